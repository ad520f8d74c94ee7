using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>What the opening makes of the files that it finds.</content>
public sealed partial class DiskBlobStore
{
    /// <summary>Reads the trailers of all files, and removes what a crash left.</summary>
    /// <returns>The highest version found.</returns>
    private BlobVersion Load()
    {
        var scan = new DiskScan(_log);
        var newest = new Dictionary<BlobKey, DiskBlobHeader>();
        var superseded = new List<DiskBlobHeader>();
        var owned = new HashSet<string>(StringComparer.Ordinal);
        foreach (DiskBlobHeader header in _folder.Load((file, fault) =>
        {
            scan.Report(file, fault);
            if (DiskBlobFile.UploadOf(file) is { } upload) owned.Add(upload);
        }))
        {
            scan.See(header);
            bool isNewest = !newest.TryGetValue(header.Info.Key, out DiskBlobHeader? other) || other.Sequence < header.Sequence;
            if (isNewest) newest[header.Info.Key] = header;
            if (other is not null) superseded.Add(isNewest ? other : header);
        }

        owned.UnionWith(newest.Values.Select(h => h.Upload).OfType<string>());
        foreach (DiskBlobHeader header in superseded) Remove(header, owned);
        foreach (DiskBlobHeader header in newest.Values.OrderBy(h => h.Sequence)) Remember(header, scan);
        foreach (string id in _uploadFiles.Ids().Where(id => !owned.Contains(id))) LoadUpload(id, scan);
        if (scan.Damaged > 0) _log.LogError("{Count} files of store '{Store}' are damaged", scan.Damaged, _options.Name);
        _sequence = scan.Sequence;
        return scan.Version;
    }

    /// <summary>Removes a file that a newer one of its key has replaced. Its parts go first: without the manifest they might be taken for an upload's.</summary>
    private void Remove(DiskBlobHeader superseded, HashSet<string> owned)
    {
        if (superseded.Upload is { } upload && !owned.Contains(upload) && !_uploadFiles.TryRemove(upload)) return;
        _folder.TryRemove(_folder.PathOf(superseded.Info.Key, superseded.Sequence, superseded.Upload));
    }

    private void Remember(DiskBlobHeader header, DiskScan scan)
    {
        switch (header.Kind)
        {
            case DiskFileKind.Tombstone:
                _tombstones.Set(header.Info.Key, header.Info.Version);
                _tombstoneFiles[header.Info.Key] = header.Sequence;
                break;
            case DiskFileKind.Manifest:
                var parts = new DiskParts(header.Info.Key, header.Upload!, header.Parts, _uploadFiles.RemoveUnused);
                _uploadFiles.Tidy(parts, scan);
                Remember(new DiskEntry(header.Info, header.Sequence, header.FileBytes, parts.TryLease()));
                break;
            default:
                Remember(new DiskEntry(header.Info, header.Sequence, header.FileBytes));
                break;
        }
    }

    /// <summary>A folder that no manifest names: with a session an upload under way, without one what is left of an upload or a blob.</summary>
    private void LoadUpload(string id, DiskScan scan)
    {
        if (!_uploadFiles.HasSession(id))
        {
            _uploadFiles.TryRemove(id);
        }
        else if (_uploadFiles.Load(id, scan) is { } upload)
        {
            _uploads.Add(upload);
            Settle(0, upload.FileBytes);
        }
    }
}
