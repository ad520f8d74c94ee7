using System.Globalization;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace Strata.Azure;

/// <summary>One answer of List Blobs.</summary>
/// <param name="Entries">Blobs and common prefixes.</param>
/// <param name="Next">Marks the next one; null if this is the last.</param>
internal sealed record ListedPage(IReadOnlyList<ListedPage.Entry> Entries, string? Next)
{
    public static ListedPage Parse(ReadOnlyMemory<byte> body)
    {
        // Names hold what XML does not: two characters come as they are, and are read only as references.
        string text = Encoding.UTF8.GetString(body.Span).TrimStart('\uFEFF').Replace("\uFFFE", "&#xFFFE;", StringComparison.Ordinal).Replace("\uFFFF", "&#xFFFF;", StringComparison.Ordinal);
        XElement root;
        try
        {
            using var reader = XmlReader.Create(new StringReader(text), new XmlReaderSettings { CheckCharacters = false, DtdProcessing = DtdProcessing.Prohibit });
            root = XDocument.Load(reader, LoadOptions.PreserveWhitespace).Root!;
        }
        catch (XmlException e)
        {
            throw new IOException("The listing is no XML.", e);
        }

        IEnumerable<Entry> entries = root.Element("Blobs")?.Elements().Where(e => e.Name.LocalName is "Blob" or "BlobPrefix").Select(EntryOf) ?? [];
        return new ListedPage([.. entries], root.Element("NextMarker")?.Value is { Length: > 0 } next ? next : null);
    }

    private static Entry EntryOf(XElement element)
    {
        XElement? name = element.Element("Name");
        string text = name?.Value ?? "";
        if ((string?)name?.Attribute("Encoded") == "true") text = Uri.UnescapeDataString(text);
        if (element.Name.LocalName == "BlobPrefix") return new Entry(text, null, []);
        string? Property(string of) => element.Element("Properties")?.Element(of)?.Value is { Length: > 0 } value ? value : null;
        DateTimeOffset modified = DateTimeOffset.TryParse(Property("Last-Modified"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? time : DateTimeOffset.UnixEpoch;
        var bare = new BlobInfo
        {
            Key = default,
            Length = long.Parse(Property("Content-Length") ?? "0", NumberStyles.None, CultureInfo.InvariantCulture),
            ETag = Property("Etag") ?? "",
            Created = modified,
            Modified = modified,
            ContentType = Property("Content-Type"),
            ContentEncoding = Property("Content-Encoding"),
        };
        return new Entry(text, bare, [.. element.Element("Metadata")?.Elements().Select(m => KeyValuePair.Create(m.Name.LocalName, m.Value)) ?? []]);
    }

    /// <param name="Name">Of the blob, or the common prefix.</param>
    /// <param name="Bare">What the service says of the blob, without its key; null for a common prefix.</param>
    /// <param name="Metadata">The blob's.</param>
    internal sealed record Entry(string Name, BlobInfo? Bare, IReadOnlyList<KeyValuePair<string, string>> Metadata);
}
