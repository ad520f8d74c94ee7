using System.Buffers;

namespace Strata.Cli;

/// <summary>Files of this machine as source and target of blobs.</summary>
internal static class LocalFile
{
    private const int BufferBytes = 128 * 1024;
    private const string UnfinishedPrefix = ".strata-", UnfinishedSuffix = ".part";

    /// <summary>Refuses what is no file.</summary>
    /// <exception cref="CliException">It is missing, or a folder.</exception>
    public static void RequireFile(string path)
    {
        if (Directory.Exists(path)) throw CliException.Usage($"'{path}' is a folder. Copy it with 'strata cp -r'.");
        if (!File.Exists(path)) throw CliException.NotFound($"There is no file '{path}'.");
    }

    /// <summary>A file's bytes. One that tells no length (under /proc, a device) is read to its end.</summary>
    public static BlobContent Content(string path)
    {
        var file = new FileInfo(path);
        return file.Length > 0 || !OperatingSystem.IsLinux()
            ? BlobContent.FromFile(path)
            : BlobContent.FromStream(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 0, FileOptions.Asynchronous));
    }

    /// <summary>
    /// Writes the served bytes to a file: into a temporary one beside it, then renamed over it, so that nobody sees half a
    /// file and a failure leaves what was there. A device gets the bytes directly.
    /// </summary>
    /// <param name="result">What to write.</param>
    /// <param name="path">The file.</param>
    /// <param name="modified">The time of change that the file gets; null for now.</param>
    /// <param name="progress">Is told of bytes that have passed.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async ValueTask WriteAsync(BlobReadResult result, string path, DateTimeOffset? modified, Action<long>? progress, CancellationToken cancellationToken)
    {
        string full = Path.GetFullPath(path);
        if (IsDevice(full))
        {
            await using var device = new FileStream(full, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 0);
            await CopyAsync(result, device, progress, cancellationToken);
            return;
        }

        if (Directory.Exists(full)) throw new CliException(ExitCode.Failed, $"'{path}' is a folder, so the blob cannot become that file.");
        string temporary = Path.Combine(Path.GetDirectoryName(full)!, $"{UnfinishedPrefix}{Guid.NewGuid():N}{UnfinishedSuffix}");
        try
        {
            // Nobody else may open it meanwhile, by which another copy knows it from one that a killed copy has left.
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0, Options = FileOptions.Asynchronous };
            await using (var file = new FileStream(temporary, options)) await CopyAsync(result, file, progress, cancellationToken);
            if (modified > DateTimeOffset.UnixEpoch) File.SetLastWriteTimeUtc(temporary, modified.Value.UtcDateTime);
            File.Move(temporary, full, overwrite: true);
        }
        catch (Exception)
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>True if a file's name is that of a temporary one, which is there only while a copy writes it, or was killed.</summary>
    public static bool IsUnfinished(string name) =>
        name.Length == UnfinishedPrefix.Length + 32 + UnfinishedSuffix.Length && name.StartsWith(UnfinishedPrefix, StringComparison.Ordinal)
        && name.EndsWith(UnfinishedSuffix, StringComparison.Ordinal) && name[UnfinishedPrefix.Length..^UnfinishedSuffix.Length].All(char.IsAsciiHexDigitLower);

    /// <summary>Removes a temporary file, unless somebody writes it.</summary>
    public static void RemoveUnfinished(string path)
    {
        try
        {
            new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 0, FileOptions.DeleteOnClose).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another copy is at work there; or it is not ours to remove.
        }
    }

    /// <summary>Shared memory lies among the devices, but holds ordinary files.</summary>
    private static bool IsDevice(string path) =>
        !OperatingSystem.IsWindows() && path.StartsWith("/dev/", StringComparison.Ordinal) && !path.StartsWith("/dev/shm/", StringComparison.Ordinal);

    /// <summary>Copies the served bytes, and checks a whole blob against its checksum.</summary>
    public static async ValueTask CopyAsync(BlobReadResult result, Stream target, Action<long>? progress, CancellationToken cancellationToken)
    {
        var checksum = default(Crc32C);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            await using Stream source = result.OpenStream();
            int read;
            while ((read = await source.ReadAsync(buffer, cancellationToken)) > 0)
            {
                checksum.Append(buffer.AsSpan(0, read));
                await target.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                progress?.Invoke(read);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        if (result.Length == result.Info.Length && result.Info.Checksum is { } expected && expected != checksum.Value)
            throw StorageException.Corrupt("read", result.Info.Key, result.Source, "its bytes arrived with another checksum");
    }
}
