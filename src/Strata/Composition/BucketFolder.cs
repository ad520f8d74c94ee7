using System.Buffers.Binary;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Strata;

/// <summary>
/// The folder <c>buckets</c> of a data folder: a record of the created buckets, and a folder for each.
/// </summary>
/// <remarks>
/// <para><b>Commit point:</b> the record's replacement. A bucket that is recorded is served; a folder without a record is
/// what a creation or a deletion left that did not come to its end, and is never served.</para>
/// <para>A bucket's folder is known by its marker, so that nothing else is ever taken for one and removed. The format is in
/// <c>docs/formats/buckets.md</c>.</para>
/// </remarks>
internal sealed class BucketFolder
{
    private const uint Magic = 0x544B4253; // "SBKT", little-endian
    private const int Version = 1, HeaderBytes = 12, ChecksumBytes = 4, MaxName = 63;
    private const string Marker = "bucket", Objects = "objects", Removed = ".removed-";
    private readonly string _path;
    private readonly ILogger _log;

    public BucketFolder(string data, ILogger log)
    {
        _path = Path.Combine(Path.GetFullPath(data), "buckets");
        _log = log;
    }

    private string RecordFile => Path.Combine(_path, "buckets.record");

    /// <summary>The folder that a bucket's store keeps its blobs in.</summary>
    public string ObjectsOf(string name) => Path.Combine(_path, name, Objects);

    /// <summary>The created buckets and when they were created; also removes what was deleted and is still there.</summary>
    /// <exception cref="StorageException">Of kind Corrupt: the record is damaged; or the disk's error.</exception>
    public IReadOnlyDictionary<string, DateTimeOffset> Open()
    {
        try
        {
            if (!Directory.Exists(_path)) return new Dictionary<string, DateTimeOffset>();
            foreach (string removed in Directory.EnumerateDirectories(_path, Removed + "*")) Delete(removed);
            Dictionary<string, DateTimeOffset> buckets = File.Exists(RecordFile) ? Parse(File.ReadAllBytes(RecordFile)) : [];
            foreach (string folder in Directory.EnumerateDirectories(_path))
            {
                string name = Path.GetFileName(folder);
                if (!buckets.ContainsKey(name) && IsOurs(folder)) _log.LogWarning("The folder {Folder} belongs to no bucket: a creation or a deletion of '{Bucket}' was cut short. It is not served", folder, name);
            }

            return buckets;
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw DiskErrors.Map(e, "open", null, "buckets", _path);
        }
    }

    /// <summary>Makes a bucket's folder; what is left there of one that is not recorded goes.</summary>
    /// <exception cref="StorageException">Something that is no bucket's is there, or the disk's error.</exception>
    public void Make(string name)
    {
        string folder = Path.Combine(_path, name);
        try
        {
            if (Directory.Exists(folder))
            {
                if (!IsOurs(folder))
                {
                    throw new StorageException(StorageErrorKind.Unavailable, $"The folder {folder} is there and is no bucket's; the bucket '{name}' cannot take its place.")
                    {
                        Operation = "create", Store = name,
                    };
                }

                Remove(name);
            }

            Directory.CreateDirectory(folder);
            using (SafeFileHandle marker = File.OpenHandle(Path.Combine(folder, Marker), FileMode.CreateNew, FileAccess.Write)) FileSync.Flush(marker);
            FileSync.FlushFolder(folder);
            FileSync.FlushFolder(_path);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw DiskErrors.Map(e, "create", null, name, folder);
        }
    }

    /// <summary>Makes what is in a bucket's folder durable, before the bucket is recorded.</summary>
    /// <exception cref="StorageException">The disk's error.</exception>
    public void Flush(string name)
    {
        try
        {
            FileSync.FlushFolder(Path.Combine(_path, name));
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw DiskErrors.Map(e, "create", null, name, _path);
        }
    }

    /// <summary>Removes the folder of a bucket that is no longer recorded; what fails of it is logged, and never served.</summary>
    public void TryRemove(string name)
    {
        try
        {
            Remove(name);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            _log.LogWarning(e, "Cannot remove the folder of the deleted bucket '{Bucket}' in {Folder}; it is removed when a bucket of this name is created", name, _path);
        }
    }

    /// <summary>Records the created buckets, atomically and durably.</summary>
    /// <exception cref="StorageException">The disk's error; of unknown outcome if the record may have been replaced.</exception>
    public void Record(IReadOnlyDictionary<string, DateTimeOffset> buckets)
    {
        string temporary = RecordFile + ".new";
        bool isInDoubt = false;
        try
        {
            Directory.CreateDirectory(_path);
            using (SafeFileHandle file = File.OpenHandle(temporary, FileMode.Create, FileAccess.Write))
            {
                RandomAccess.Write(file, Format(buckets), 0);
                FileSync.Flush(file);
            }

            isInDoubt = true;
            File.Move(temporary, RecordFile, overwrite: true);
            FileSync.FlushFolder(_path);
            FileSync.FlushFolder(Path.GetDirectoryName(_path)!);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw DiskErrors.Map(e, "record", null, "buckets", RecordFile, isInDoubt ? WriteOutcome.Unknown : WriteOutcome.NotApplied);
        }
    }

    private void Remove(string name)
    {
        // Renamed first: a bucket's folder is whole or gone, however long its files take.
        string removed = Path.Combine(_path, Removed + Guid.NewGuid().ToString("n"));
        Directory.Move(Path.Combine(_path, name), removed);
        Delete(removed);
    }

    private static byte[] Format(IReadOnlyDictionary<string, DateTimeOffset> buckets)
    {
        byte[] bytes = new byte[HeaderBytes + buckets.Sum(b => sizeof(long) + 1 + b.Key.Length) + ChecksumBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), buckets.Count);
        int at = HeaderBytes;
        foreach ((string name, DateTimeOffset created) in buckets.OrderBy(b => b.Key, StringComparer.Ordinal))
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at), created.ToUnixTimeMilliseconds());
            bytes[at + sizeof(long)] = (byte)name.Length;
            at += sizeof(long) + 1;
            at += Encoding.ASCII.GetBytes(name, bytes.AsSpan(at));
        }

        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), Crc32C.Of(bytes.AsSpan(0, at)));
        return bytes;
    }

    private Dictionary<string, DateTimeOffset> Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeaderBytes + ChecksumBytes || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic) throw Damaged("it is none");
        ReadOnlySpan<byte> content = bytes[..^ChecksumBytes];
        if (Crc32C.Of(content) != BinaryPrimitives.ReadUInt32LittleEndian(bytes[^ChecksumBytes..])) throw Damaged("its checksum does not hold");
        int version = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]), count = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        if (version != Version) throw new StorageException(StorageErrorKind.Unsupported, $"The record of the buckets {RecordFile} has the format {version}; this version reads {Version}.") { Operation = "open" };
        var buckets = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        for (content = content[HeaderBytes..]; !content.IsEmpty;)
        {
            int length = content.Length > sizeof(long) ? content[sizeof(long)] : 0;
            if (length is 0 or > MaxName || content.Length < sizeof(long) + 1 + length) throw Damaged("a name is cut");
            string name = Encoding.ASCII.GetString(content.Slice(sizeof(long) + 1, length));
            if (!StoreSettings.IsName(name) || !buckets.TryAdd(name, DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64LittleEndian(content)))) throw Damaged("a name is none");
            content = content[(sizeof(long) + 1 + length)..];
        }

        return buckets.Count == count ? buckets : throw Damaged("buckets are missing");
    }

    private StorageException Damaged(string what) => new(
        StorageErrorKind.Corrupt,
        $"The record of the buckets {RecordFile} is damaged: {what}. Put a copy of it back; without it the folders beside it are not served.") { Operation = "open" };

    /// <summary>An empty folder is what a creation leaves that ended before the marker was there.</summary>
    private static bool IsOurs(string folder) => File.Exists(Path.Combine(folder, Marker)) || !Directory.EnumerateFileSystemEntries(folder).Any();

    private void Delete(string removed)
    {
        try
        {
            Directory.Delete(removed, recursive: true);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            _log.LogWarning(e, "Cannot remove {Folder} of a deleted bucket; it is removed at the next start", removed);
        }
    }
}
