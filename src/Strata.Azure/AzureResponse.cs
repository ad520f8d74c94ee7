using System.Globalization;

namespace Strata.Azure;

/// <summary>An answer of success.</summary>
/// <param name="Status">HTTP's.</param>
/// <param name="Headers">Names in the case in which they came.</param>
/// <param name="Body">Whole; empty if it is a stream.</param>
/// <param name="Stream">The body as it comes; null if it was read whole.</param>
internal sealed record AzureResponse(int Status, IReadOnlyDictionary<string, string> Headers, ReadOnlyMemory<byte> Body, Stream? Stream)
{
    private const string MetaPrefix = "x-ms-meta-";

    public string? Header(string name) => Headers.TryGetValue(name, out string? value) && value.Length > 0 ? value : null;

    public long ContentLength => long.TryParse(Header("Content-Length"), NumberStyles.None, CultureInfo.InvariantCulture, out long length) ? length : 0;

    /// <summary>Names without their prefix.</summary>
    public IEnumerable<KeyValuePair<string, string>> Metadata =>
        Headers.Where(h => h.Key.StartsWith(MetaPrefix, StringComparison.OrdinalIgnoreCase)).Select(h => KeyValuePair.Create(h.Key[MetaPrefix.Length..], h.Value));

    public DateTimeOffset LastModified => DateTimeOffset.TryParse(Header("Last-Modified"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? time : DateTimeOffset.UnixEpoch;
}
