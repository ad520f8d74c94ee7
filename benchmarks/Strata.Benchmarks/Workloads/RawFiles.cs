using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Win32.SafeHandles;

namespace Strata.Benchmarks;

/// <summary>
/// What a careful program does with system calls alone, and no less: a temporary file, its bytes flushed, a rename,
/// the folder flushed. No checksum, no metadata, no key that is not a file name.
/// </summary>
internal sealed class RawFiles : IDisposable
{
    private const int PieceLength = 256 << 10;
    private readonly string _folder;
    private readonly SafeFileHandle? _folderHandle;
    private long _puts;

    /// <param name="folder">Created.</param>
    /// <param name="durable">
    /// Whether a put survives a power cut. Other systems than Linux write through instead and flush no folder.
    /// </param>
    public RawFiles(string folder, bool durable)
    {
        _folder = Directory.CreateDirectory(folder).FullName;
        IsDurable = durable;
        if (durable && OperatingSystem.IsLinux()) _folderHandle = SystemCalls.OpenFolder(_folder);
    }

    private bool IsDurable { get; }

    public string PathOf(string name) => Path.Combine(_folder, name);

    public void Put(string name, ReadOnlySpan<byte> bytes)
    {
        string temporary = NewName(name);
        using (SafeFileHandle file = Create(temporary))
        {
            RandomAccess.Write(file, bytes, 0);
            Flush(file);
        }

        Publish(temporary, name);
    }

    /// <summary>Adds to the end of a file, which is not flushed.</summary>
    public void Append(string name, ReadOnlySpan<byte> bytes)
    {
        using SafeFileHandle file = File.OpenHandle(PathOf(name), FileMode.OpenOrCreate, FileAccess.Write);
        RandomAccess.Write(file, bytes, RandomAccess.GetLength(file));
    }

    /// <summary>Copies a file to another one, in pieces.</summary>
    public void Copy(string source, string name)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(PieceLength);
        string temporary = NewName(name);
        using (SafeFileHandle from = File.OpenHandle(PathOf(source)), to = Create(temporary))
        {
            long copied = 0;
            for (int some; (some = RandomAccess.Read(from, buffer, copied)) > 0; copied += some) RandomAccess.Write(to, buffer.AsSpan(0, some), copied);
            Flush(to);
        }

        ArrayPool<byte>.Shared.Return(buffer);
        Publish(temporary, name);
    }

    public async Task PutAsync(string name, PipeReader body)
    {
        string temporary = NewName(name);
        using (SafeFileHandle file = Create(temporary))
        {
            long written = 0;
            for (bool isCompleted = false; !isCompleted;)
            {
                ReadResult read = await body.ReadAsync();
                foreach (ReadOnlyMemory<byte> piece in read.Buffer)
                {
                    RandomAccess.Write(file, piece.Span, written);
                    written += piece.Length;
                }

                body.AdvanceTo(read.Buffer.End);
                isCompleted = read.IsCompleted;
            }

            Flush(file);
        }

        Publish(temporary, name);
    }

    public byte[] Get(string name)
    {
        using SafeFileHandle file = File.OpenHandle(PathOf(name));
        var bytes = GC.AllocateUninitializedArray<byte>(checked((int)RandomAccess.GetLength(file)));
        for (int read = 0; read < bytes.Length;)
        {
            int some = RandomAccess.Read(file, bytes.AsSpan(read), read);
            if (some == 0) throw new EndOfStreamException(name);
            read += some;
        }

        return bytes;
    }

    /// <summary>Reads a file in pieces and forgets them.</summary>
    public long CountBytes(string name)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(PieceLength);
        using SafeFileHandle file = File.OpenHandle(PathOf(name));
        long total = 0;
        for (int some; (some = RandomAccess.Read(file, buffer, total)) > 0;) total += some;
        ArrayPool<byte>.Shared.Return(buffer);
        return total;
    }

    public void Dispose() => _folderHandle?.Dispose();

    private string NewName(string name) => PathOf($"{name}.{Interlocked.Increment(ref _puts)}.new");

    private SafeFileHandle Create(string path) =>
        File.OpenHandle(path, FileMode.Create, FileAccess.Write, FileShare.None, IsDurable && _folderHandle is null ? FileOptions.WriteThrough : FileOptions.None);

    private void Flush(SafeFileHandle file)
    {
        if (_folderHandle is not null) SystemCalls.FlushFile(file);
    }

    private void Publish(string temporary, string name)
    {
        File.Move(temporary, PathOf(name), overwrite: true);
        if (_folderHandle is not null) SystemCalls.FlushFolder(_folderHandle);
    }
}
