namespace Strata.Server;

/// <summary>ListMultipartUploads: the uploads under way by key and id, rolled up by a delimiter as objects are.</summary>
internal sealed class S3ListUploads
{
    /// <summary>Sorts behind nearly everything that can follow a prefix; what is behind it still is rolled up.</summary>
    private const string Last = "\U0010FFFF";

    private readonly IMultipartUploads _uploads;
    private readonly ListRequest _list;
    private readonly int _limit;
    private readonly List<MultipartUpload> _items = [];
    private readonly List<string> _prefixes = [];
    private UploadListRequest _position;

    private S3ListUploads(IMultipartUploads uploads, ListRequest list, int limit, string? keyMarker, string? idMarker)
    {
        _uploads = uploads;
        _list = list;
        _limit = limit;
        _position = new UploadListRequest { Prefix = list.Prefix, Limit = limit + 1 };
        if (keyMarker is null) return;

        // A marker that is a common prefix stands for all keys that it rolls up.
        bool isPrefix = keyMarker.StartsWith(list.Prefix, StringComparison.Ordinal) && PrefixOf(keyMarker) == keyMarker;
        _position = _position with { AfterKey = isPrefix ? keyMarker + Last : keyMarker, AfterId = isPrefix ? null : idMarker };
        if (isPrefix) LastPrefix = keyMarker;
    }

    private string? LastPrefix { get; set; }

    private string? NextKey { get; set; }

    private string NextId { get; set; } = "";

    private bool IsTruncated { get; set; }

    public static async Task HandleAsync(S3Request request)
    {
        IMultipartUploads uploads = S3Uploads.Of(request);
        ListRequest list = S3Listing.Request(request, after: null, token: null);
        int limit = S3Listing.Limit(request, "max-uploads");
        bool encodes = S3Listing.EncodesUrls(request);
        string keyMarker = request.Query("key-marker") ?? "", idMarker = request.Query("upload-id-marker") ?? "";
        var listing = new S3ListUploads(uploads, list, limit, keyMarker.Length > 0 ? keyMarker : null, idMarker.Length > 0 ? idMarker : null);
        if (limit > 0) await listing.ReadAsync(request.Aborted);

        using var xml = new S3Xml("ListMultipartUploadsResult");
        xml.Element("Bucket", request.Target.Bucket).Element("KeyMarker", S3Listing.Encoded(keyMarker, encodes)).Element("UploadIdMarker", idMarker);
        if (listing.IsTruncated) xml.Element("NextKeyMarker", S3Listing.Encoded(listing.NextKey!, encodes)).Element("NextUploadIdMarker", listing.NextId);
        xml.Element("Prefix", S3Listing.Encoded(list.Prefix, encodes)).Element("MaxUploads", limit).Element("IsTruncated", listing.IsTruncated);
        if (list.Delimiter is { } delimiter) xml.Element("Delimiter", S3Listing.Encoded(delimiter, encodes));
        if (encodes) xml.Element("EncodingType", "url");
        foreach (MultipartUpload upload in listing._items)
        {
            xml.Open("Upload").Element("Key", S3Listing.Encoded(upload.Key.Value, encodes)).Element("UploadId", upload.Id).Element("Initiated", upload.Created);
            S3Uploads.WriteOwner(xml, S3UploadChecksum.Of(upload));
            xml.Close("Upload");
        }

        S3Listing.WritePrefixes(xml, listing._prefixes, encodes);
        await xml.SendAsync(request.Response);
    }

    private async ValueTask ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            IReadOnlyList<MultipartUpload> page = await _uploads.ListUploadsAsync(_position, cancellationToken);
            foreach (MultipartUpload upload in page)
            {
                if (!TryAdd(upload)) return;
            }

            if (page.Count < _position.Limit) return;
            MultipartUpload last = page[^1];
            string? behind = PrefixOf(last.Key.Value) + Last;
            bool skips = PrefixOf(last.Key.Value) is not null && BlobKey.CompareText(behind, last.Key.Value) > 0;
            _position = _position with { AfterKey = skips ? behind : last.Key.Value, AfterId = skips ? null : last.Id };
        }
    }

    /// <summary>False if it belongs to the next page.</summary>
    private bool TryAdd(MultipartUpload upload)
    {
        string? prefix = PrefixOf(upload.Key.Value);
        if (prefix is not null && prefix == LastPrefix) return true;
        if (_items.Count + _prefixes.Count == _limit)
        {
            IsTruncated = true;
            return false;
        }

        if (prefix is null) _items.Add(upload);
        else _prefixes.Add(prefix);
        (LastPrefix, NextKey, NextId) = (prefix, prefix ?? upload.Key.Value, prefix is null ? upload.Id : "");
        return true;
    }

    private string? PrefixOf(string key)
    {
        if (_list.Delimiter is not { } delimiter) return null;
        int at = key.IndexOf(delimiter, _list.Prefix.Length, StringComparison.Ordinal);
        return at < 0 ? null : key[..(at + delimiter.Length)];
    }
}
