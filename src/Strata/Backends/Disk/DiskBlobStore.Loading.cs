using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>What an opening makes of what it finds.</content>
public sealed partial class DiskBlobStore
{
    /// <summary>Enters what the log holds in the books, and lets files go that nothing names.</summary>
    private void Load(DiskInventory found)
    {
        long inFiles = 0;
        var inUse = new List<ValueFileRecord>(found.Files.Count);
        foreach (byte[] name in found.Files)
        {
            // Its own record may be damaged; the file is in use all the same.
            long length = TryReadFile(name, out DiskValueFile file) ? file.Length : 0;
            inUse.Add(new ValueFileRecord(DiskKey.ToFile(name), length));
            inFiles += length;
        }

        _values.Recover(inUse);
        _books.Settle(0, found.Bytes + inFiles, found.Blobs);
        foreach ((BlobKey key, long expires) in found.Expiries) _expiries.Change(key, 0, expires);
        _uploads.Load(found);
    }

    /// <summary>The highest version that may have been issued in this folder.</summary>
    private BlobVersion IssuedVersions(DiskInventory found)
    {
        if (_time.TryRead(out BlobVersion limit))
        {
            SeeLastChange(found, limit);
            return limit;
        }

        if (found.Blobs == 0) return limit;
        _logger.LogWarning("Store '{Store}' has no version clock that can be read; versions go on from the highest one found", _options.Name);
        var keys = new LogScanBuffer();
        byte[] next = [(byte)LogKeyspace.Blobs];
        while (_log.Scan(new LogScan(next, [(byte)LogKeyspace.Blobs + 1], DeletedAtOnce), keys) is > 0 and int count)
        {
            for (int i = 0; i < count; i++)
            {
                BlobVersion version = Find(DiskKey.ToBlobKey(keys.Key(i))).Version;
                if (version > limit) limit = version;
            }

            next = [.. keys.Key(count - 1), 0];
        }

        return limit;
    }

    /// <summary>After a crash the version of the last change is later than the time that the clock's file knows of.</summary>
    private void SeeLastChange(DiskInventory found, BlobVersion limit)
    {
        if (found.Last.IsEmpty) return;
        BlobVersion last = Find(DiskKey.ToBlobKey(found.Last)).Version;

        // A copy keeps the version that others gave it, which says nothing of the time here.
        if (last.IsKnown && last <= limit) _time.Saw(last.Time.ToUnixTimeMilliseconds());
    }

    private bool TryReadFile(ReadOnlySpan<byte> name, out DiskValueFile file)
    {
        file = default;
        try
        {
            if (!_log.TryRead(name, out LogEntry entry)) return false;
            using (entry) file = DiskValueFile.Read(entry);
            return true;
        }
        catch (Exception e) when (IsDamage(e))
        {
            _logger.LogError(e, "The record of the value file {Id:x16} in store '{Store}' is damaged", DiskKey.ToFile(name), _options.Name);
            return false;
        }
    }

    /// <summary>All value files that are in use, with whose they are. Costs a read each; for repairs.</summary>
    internal List<(ulong Id, DiskValueFile File)> ValueFilesInUse()
    {
        var files = new List<(ulong, DiskValueFile)>();
        var keys = new LogScanBuffer();
        byte[] next = [(byte)LogKeyspace.ValueFiles];
        while (_log.Scan(new LogScan(next, [(byte)LogKeyspace.ValueFiles + 1], DeletedAtOnce), keys) is > 0 and int count)
        {
            for (int i = 0; i < count; i++)
            {
                if (!IsTombstone(keys.Location(i)) && TryReadFile(keys.Key(i), out DiskValueFile file)) files.Add((DiskKey.ToFile(keys.Key(i)), file));
            }

            next = [.. keys.Key(count - 1), 0];
        }

        return files;
    }
}
