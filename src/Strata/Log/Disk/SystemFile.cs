using System.Buffers;
using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace Strata;

/// <summary>
/// A file of the operating system: by its own calls on 64-bit Linux (<see cref="LinuxCalls"/>). Elsewhere by what .NET has
/// for them: then space is not reserved but on Windows, and write-back and the cache are the system's own affair.
/// </summary>
internal sealed unsafe class SystemFile(string name, SafeFileHandle handle) : ILogFile
{
    private const int PiecesAtOnce = 32, GatheredBytes = 64 << 10;

    public string Name { get; } = name;

    public long Length => RandomAccess.GetLength(handle);

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        if (LinuxCalls.CanBeMade) LinuxCalls.Write(handle, Name, offset, bytes);
        else RandomAccess.Write(handle, bytes, offset);
    }

    public void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> pieces)
    {
        if (!LinuxCalls.CanBeMade)
        {
            RandomAccess.Write(handle, pieces, offset);
            return;
        }

        // To copy little costs less than to pin each piece and have the system take them one by one.
        long total = 0;
        for (int i = 0; i < pieces.Count; i++) total += pieces[i].Length;
        if (total <= GatheredBytes)
        {
            Gather(offset, pieces, (int)total);
            return;
        }

        for (int first = 0; first < pieces.Count; first += PiecesAtOnce)
            offset += WriteSome(offset, pieces, first, Math.Min(PiecesAtOnce, pieces.Count - first));
    }

    public int Read(long offset, Span<byte> into) => LinuxCalls.CanBeMade ? LinuxCalls.Read(handle, Name, offset, into) : ReadByFramework(offset, into);

    public void Sync() => FileSync.Flush(handle);

    public void StartWriteBack(long offset, long length)
    {
        if (length > 0 && LinuxCalls.CanBeMade) LinuxCalls.StartWriteBack(handle, offset, length);
    }

    public void Allocate(long length)
    {
        long before = Length;
        if (before >= length) return;
        try
        {
            if (!LinuxCalls.CanBeMade || !LinuxCalls.TryAllocate(handle, Name, length)) SetLength(length);
        }
        catch
        {
            GiveBack(before);
            throw;
        }
    }

    public void Truncate(long length)
    {
        if (length < Length) SetLength(length);
    }

    public void DropCache(long offset, long length)
    {
        if (length > 0 && LinuxCalls.CanBeMade) LinuxCalls.DropCache(handle, offset, length);
    }

    public LogMapping? Map(long length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        if (length is <= 0 or > int.MaxValue) return null;
        return LinuxCalls.CanBeMade ? LinuxCalls.Map(handle, length) : MapByFramework(length);
    }

    public void Dispose() => handle.Dispose();

    private void Gather(long offset, IReadOnlyList<ReadOnlyMemory<byte>> pieces, int total)
    {
        byte[] gathered = ArrayPool<byte>.Shared.Rent(total);
        try
        {
            int at = 0;
            for (int i = 0; i < pieces.Count; i++)
            {
                pieces[i].Span.CopyTo(gathered.AsSpan(at));
                at += pieces[i].Length;
            }

            Write(offset, gathered.AsSpan(0, total));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(gathered);
        }
    }

    private long WriteSome(long offset, IReadOnlyList<ReadOnlyMemory<byte>> pieces, int first, int count)
    {
        long total = 0;
        int pinned = 0;
        var pins = default(Pins);
        Span<LinuxCalls.Piece> vector = stackalloc LinuxCalls.Piece[count];
        try
        {
            for (; pinned < count; pinned++)
            {
                ReadOnlyMemory<byte> piece = pieces[first + pinned];
                pins[pinned] = piece.Pin();
                vector[pinned] = new LinuxCalls.Piece(pins[pinned].Pointer, piece.Length);
                total += piece.Length;
            }

            LinuxCalls.Write(handle, Name, offset, vector);
            return total;
        }
        finally
        {
            for (int i = 0; i < pinned; i++) pins[i].Dispose();
        }
    }

    private int ReadByFramework(long offset, Span<byte> into)
    {
        int done = 0;
        while (done < into.Length)
        {
            int read = RandomAccess.Read(handle, into[done..], offset + done);
            if (read == 0) break;
            done += read;
        }

        return done;
    }

    private void SetLength(long length)
    {
        if (LinuxCalls.CanBeMade) LinuxCalls.Truncate(handle, Name, length);
        else RandomAccess.SetLength(handle, length);
    }

    /// <summary>A volume that ran full on the way keeps what it had reserved until then.</summary>
    private void GiveBack(long length)
    {
        try
        {
            SetLength(length);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            // The caller is told of the failure that led here; the space is free again when the file is cut or removed.
        }
    }

    private LogMapping? MapByFramework(long length)
    {
        MemoryMappedFile? file = null;
        MemoryMappedViewAccessor? view = null;
        try
        {
            file = MemoryMappedFile.CreateFromFile(handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            byte* first = null;
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref first);
            return new LogMapping(first, (int)length, () => Unmap(file, view));
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            view?.Dispose();
            file?.Dispose();
            return null;
        }
    }

    private static void Unmap(MemoryMappedFile file, MemoryMappedViewAccessor view)
    {
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        file.Dispose();
    }

    [InlineArray(PiecesAtOnce)]
    private struct Pins
    {
        private MemoryHandle _first;
    }
}
