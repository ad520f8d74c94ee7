using System.Buffers;
using System.Security.Cryptography;

namespace Strata.Cli;

/// <summary>
/// Whether what a copy would make is at the target already. Lengths are always compared; then, by default, what costs no
/// reading of bytes: checksums or digests that both stores know, else times. With <c>--checksum</c> bytes of files are read, and
/// what has no checksum in common counts as different.
/// </summary>
internal sealed class CopyComparison(bool byChecksum)
{
    private const int Md5HexDigits = 32, BufferBytes = 128 * 1024;
    private static readonly TimeSpan SameMoment = TimeSpan.FromMilliseconds(1);

    /// <summary>A file that is to become a blob.</summary>
    /// <param name="path">The file.</param>
    /// <param name="listed">What the target's listing says of the blob.</param>
    /// <param name="to">The target.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask<bool> IsThereAsync(string path, BlobInfo listed, IBlobStore to, CancellationToken cancellationToken)
    {
        var file = new FileInfo(path);
        if (listed.Length != file.Length || await KnownAsync(listed, to, cancellationToken) is not { } there || there.Length != file.Length) return false;
        return byChecksum
            ? await HasBytesOfAsync(path, there.Checksum, Md5Of(listed) ?? Md5Of(there), cancellationToken)
            : !IsOlder(there.Modified, new DateTimeOffset(file.LastWriteTimeUtc));
    }

    /// <summary>A blob that is to become a file. A copy gives a file the time of its blob, by which it is known again.</summary>
    /// <param name="listed">What the source's listing says of the blob.</param>
    /// <param name="from">The source.</param>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask<bool> IsThereAsync(BlobInfo listed, IBlobStore from, string path, CancellationToken cancellationToken)
    {
        var file = new FileInfo(path);
        if (!file.Exists || file.LinkTarget is not null || file.Length != listed.Length) return false;
        if (!byChecksum) return (new DateTimeOffset(file.LastWriteTimeUtc) - listed.Modified).Duration() < SameMoment;
        return await KnownAsync(listed, from, cancellationToken) is { } blob && blob.Length == file.Length
            && await HasBytesOfAsync(path, blob.Checksum, Md5Of(listed) ?? Md5Of(blob), cancellationToken);
    }

    /// <summary>A blob that is to become another store's.</summary>
    /// <param name="source">What the source's listing says of the blob.</param>
    /// <param name="from">The source.</param>
    /// <param name="listed">What the target's listing says of its blob.</param>
    /// <param name="to">The target.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask<bool> IsThereAsync(BlobInfo source, IBlobStore from, BlobInfo listed, IBlobStore to, CancellationToken cancellationToken)
    {
        if (listed.Length != source.Length || await KnownAsync(listed, to, cancellationToken) is not { } there || there.Length != source.Length) return false;
        BlobInfo? blob = byChecksum ? await KnownAsync(source, from, cancellationToken) : source;
        if (blob is null) return false;
        if (blob.Checksum is { } expected && there.Checksum is { } held) return expected == held;
        if ((Md5Of(source) ?? Md5Of(blob)) is { } digest && (Md5Of(listed) ?? Md5Of(there)) is { } other) return digest == other;
        return !byChecksum && !IsOlder(there.Modified, source.Modified);
    }

    /// <summary>
    /// What a store knows of a blob whose listing may have told less, and may have shown what has expired: null if there is
    /// none. A listing that told all costs no look.
    /// </summary>
    private static async ValueTask<BlobInfo?> KnownAsync(BlobInfo listed, IBlobStore store, CancellationToken cancellationToken) =>
        listed.Version.IsKnown ? listed : await store.StatAsync(listed.Key, cancellationToken);

    /// <summary>A target whose times have no fractions is not older than a source of the same second.</summary>
    private static bool IsOlder(DateTimeOffset target, DateTimeOffset source)
    {
        long ticks = source.UtcTicks;
        return target.UtcTicks < (target.UtcTicks % TimeSpan.TicksPerSecond == 0 ? ticks - (ticks % TimeSpan.TicksPerSecond) : ticks);
    }

    /// <summary>S3 gives an object that was written in one piece the MD5 of its bytes as ETag; null for every other ETag.</summary>
    private static string? Md5Of(BlobInfo info) => info.ETag.Length == Md5HexDigits && info.ETag.All(char.IsAsciiHexDigitLower) ? info.ETag : null;

    private static async ValueTask<bool> HasBytesOfAsync(string path, uint? checksum, string? md5, CancellationToken cancellationToken)
    {
        if (checksum is null && md5 is null) return false;
        using IncrementalHash? digest = checksum is null ? NewMd5() : null;
        var crc = default(Crc32C);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 0, FileOptions.Asynchronous | FileOptions.SequentialScan);
            int read;
            while ((read = await file.ReadAsync(buffer, cancellationToken)) > 0)
            {
                if (digest is null) crc.Append(buffer.AsSpan(0, read));
                else digest.AppendData(buffer, 0, read);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return digest is null ? crc.Value == checksum : Convert.ToHexStringLower(digest.GetHashAndReset()) == md5;
    }

#pragma warning disable CA5351 // It is what S3's ETags are made of; nothing is secured by it.
    private static IncrementalHash NewMd5() => IncrementalHash.CreateHash(HashAlgorithmName.MD5);
#pragma warning restore CA5351
}
