using System.Buffers.Binary;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Strata;

/// <summary>The files of a disk store: where they are, how they come and go, in which order they are flushed.</summary>
internal sealed class DiskFolder : IDisposable
{
    private const int ClockBytes = 12;
    private readonly FolderLock _lock;
    private readonly bool _flush;
    private readonly ILogger _log;

    private DiskFolder(string path, FolderLock held, bool flush, ILogger log)
    {
        Path = path;
        _lock = held;
        _flush = flush;
        _log = log;
    }

    public string Path { get; }

    /// <summary>Where the folders of uploads are.</summary>
    public string Uploads => System.IO.Path.Combine(Path, "uploads");

    /// <summary>True from the moment on that another owner may take the folder.</summary>
    public bool IsClosed { get; private set; }

    private string ClockFile => System.IO.Path.Combine(Path, "clock");

    private string Temporary => System.IO.Path.Combine(Path, "tmp");

    /// <summary>Takes the folder, creates what is missing in it, and clears what an earlier owner left half-written.</summary>
    public static DiskFolder Open(DiskBlobStoreOptions options, ILogger log)
    {
        string path = System.IO.Path.GetFullPath(options.Path);
        var held = FolderLock.Take(path, options.Name);
        try
        {
            var folder = new DiskFolder(path, held, options.Durability == DiskDurability.Flush, log);
            folder.Prepare();
            return folder;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>The trailers of all files of blobs that are whole, in no order; damaged ones are reported and left where they are.</summary>
    public IEnumerable<DiskBlobHeader> Load(Action<string, string> damaged)
    {
        foreach (string file in Directory.EnumerateFiles(System.IO.Path.Combine(Path, "blobs"), "*" + DiskBlobFile.Extension, SearchOption.AllDirectories))
        {
            DiskBlobHeader header;
            try
            {
                using SafeFileHandle handle = File.OpenHandle(file);
                header = DiskBlobFile.ReadTrailer(handle);
                if (header.Kind == DiskFileKind.Manifest) header = DiskManifest.Read(handle, header);
                if (header.Kind > DiskFileKind.Manifest || (header.Kind == DiskFileKind.Manifest) != DiskUploadFiles.IsId(header.Upload) || PathOf(header.Info.Key, header.Sequence, header.Upload) != file)
                    throw new InvalidDataException("its name does not belong to its key");
            }
            catch (InvalidDataException e)
            {
                damaged(file, e.Message);
                continue;
            }

            yield return header;
        }
    }

    public string PathOf(BlobKey key, ulong sequence, string? upload = null) => System.IO.Path.Combine(Path, DiskBlobFile.RelativePath(key, sequence, upload));

    public string PathOf(DiskEntry entry) => PathOf(entry.Info.Key, entry.Sequence, entry.Parts?.Upload);

    /// <summary>A new file that nobody sees; it must be published or removed.</summary>
    public SafeFileHandle CreateTemporary(long? length, out string path)
    {
        path = System.IO.Path.Combine(Temporary, Guid.NewGuid().ToString("n"));
        return File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete, FileOptions.None, length ?? 0);
    }

    /// <summary>Flushes a file's bytes, if writes are flushed.</summary>
    public void Flush(SafeFileHandle file)
    {
        if (_flush) FileSync.Flush(file);
    }

    /// <summary>Flushes a folder's entries, if writes are flushed.</summary>
    public void Flush(string path)
    {
        if (_flush) FileSync.FlushFolder(path);
    }

    /// <summary>Puts a finished and flushed file in its place. An error leaves it where it was, unless <paramref name="published"/> is set.</summary>
    public void Place(string temporary, string target, ref bool published)
    {
        File.Move(temporary, target);
        published = true;
        Flush(System.IO.Path.GetDirectoryName(target)!);
    }

    /// <summary>Removes a file that is no longer needed; a failure is logged, and the next open removes the file by its sequence.</summary>
    public bool TryRemove(BlobKey key, ulong sequence) => TryRemove(PathOf(key, sequence));

    public bool TryRemove(string path)
    {
        try
        {
            File.Delete(path);
            return true;
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            _log.LogWarning(e, "Cannot remove {Path}; it is removed when the store is opened next", path);
            return false;
        }
    }

    /// <summary>Removes a blob's file as the delete itself, durably: where there is no room for a tombstone.</summary>
    public void Remove(DiskEntry entry)
    {
        string path = PathOf(entry);
        File.Delete(path);
        Flush(System.IO.Path.GetDirectoryName(path)!);
    }

    /// <summary>The highest version that may have been issued in this folder.</summary>
    public BlobVersion ReadClock()
    {
        if (!File.Exists(ClockFile)) return default;
        byte[] bytes = File.ReadAllBytes(ClockFile);
        if (bytes.Length == ClockBytes && Crc32C.Of(bytes.AsSpan(0, 8)) == BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(8)))
            return new BlobVersion(BinaryPrimitives.ReadUInt64LittleEndian(bytes));

        // Its loss costs nothing but certainty: versions go on above those of the blobs found, and above the wall clock.
        _log.LogWarning("The file {Path} is damaged; versions go on from the highest one found", ClockFile);
        return default;
    }

    /// <summary>
    /// Persists that versions up to this one may have been issued. The file is rewritten in place, which takes no room on
    /// a full disk, and lies in one sector, so that it cannot tear.
    /// </summary>
    public void WriteClock(BlobVersion limit)
    {
        byte[] bytes = new byte[ClockBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, limit.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), Crc32C.Of(bytes.AsSpan(0, 8)));
        using SafeFileHandle file = File.OpenHandle(ClockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite);
        RandomAccess.Write(file, bytes, 0);
        Flush(file);
    }

    public void Dispose()
    {
        IsClosed = true;
        _lock.Dispose();
    }

    private void Prepare()
    {
        Directory.CreateDirectory(Temporary);
        foreach (string left in Directory.EnumerateFiles(Temporary)) File.Delete(left);
        string blobs = System.IO.Path.Combine(Path, "blobs");
        if (Directory.Exists(Uploads) && Directory.Exists(System.IO.Path.Combine(blobs, "ff"))) return;
        Directory.CreateDirectory(Uploads);
        for (int i = 0; i < 256; i++) Directory.CreateDirectory(System.IO.Path.Combine(blobs, i.ToString("x2", System.Globalization.CultureInfo.InvariantCulture)));
        Flush(blobs);
        Flush(Path);
    }
}
