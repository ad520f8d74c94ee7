using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Xml;

namespace Strata.Azure;

/// <summary>One answer of List Blobs.</summary>
/// <param name="Entries">Blobs and common prefixes.</param>
/// <param name="Next">Marks the next one; null if this is the last.</param>
internal sealed record ListedPage(IReadOnlyList<ListedPage.Entry> Entries, string? Next)
{
    private static readonly XmlReaderSettings Settings = new() { CheckCharacters = false, DtdProcessing = DtdProcessing.Prohibit };

    /// <exception cref="IOException">The answer is no XML.</exception>
    public static ListedPage Parse(ReadOnlyMemory<byte> body)
    {
        var entries = new List<Entry>();
        string? next = null;
        try
        {
            using XmlReader reader = Open(body);
            reader.MoveToContent();
            if (!Enter(reader)) return new ListedPage(entries, null);
            while (HasMore(reader))
            {
                if (reader.LocalName == "Blobs") ReadEntries(reader, entries);
                else if (reader.LocalName == "NextMarker") next = reader.ReadElementContentAsString();
                else reader.Skip();
            }
        }
        catch (XmlException e)
        {
            throw new IOException("The listing is no XML.", e);
        }

        return new ListedPage(entries, next is { Length: > 0 } ? next : null);
    }

    private static XmlReader Open(ReadOnlyMemory<byte> body)
    {
        if (body.Span.IndexOf("\uFFFE"u8) < 0 && body.Span.IndexOf("\uFFFF"u8) < 0 && MemoryMarshal.TryGetArray(body, out ArraySegment<byte> array))
            return XmlReader.Create(new MemoryStream(array.Array!, array.Offset, array.Count, writable: false), Settings);

        // Names hold what XML does not: two characters come as they are, and are read only as references.
        string text = Encoding.UTF8.GetString(body.Span).TrimStart('\uFEFF').Replace("\uFFFE", "&#xFFFE;", StringComparison.Ordinal).Replace("\uFFFF", "&#xFFFF;", StringComparison.Ordinal);
        return XmlReader.Create(new StringReader(text), Settings);
    }

    private static void ReadEntries(XmlReader reader, List<Entry> entries)
    {
        if (!Enter(reader)) return;
        while (HasMore(reader))
        {
            if (reader.LocalName is "Blob" or "BlobPrefix") entries.Add(ReadEntry(reader, isPrefix: reader.LocalName == "BlobPrefix"));
            else reader.Skip();
        }
    }

    private static Entry ReadEntry(XmlReader reader, bool isPrefix)
    {
        string name = "";
        var bare = new BlobInfo { Key = default, Length = 0, ETag = "", Created = DateTimeOffset.UnixEpoch, Modified = DateTimeOffset.UnixEpoch };
        List<KeyValuePair<string, string>> metadata = [];
        if (Enter(reader))
        {
            while (HasMore(reader))
            {
                if (reader.LocalName == "Name") name = ReadName(reader);
                else if (reader.LocalName == "Properties" && !isPrefix) bare = ReadProperties(reader, bare);
                else if (reader.LocalName == "Metadata" && !isPrefix) ReadMetadata(reader, metadata);
                else reader.Skip();
            }
        }

        return new Entry(name, isPrefix ? null : bare, metadata);
    }

    private static string ReadName(XmlReader reader)
    {
        bool isEncoded = reader.GetAttribute("Encoded") == "true";
        string name = reader.ReadElementContentAsString();
        return isEncoded ? Uri.UnescapeDataString(name) : name;
    }

    private static BlobInfo ReadProperties(XmlReader reader, BlobInfo bare)
    {
        string? length = null, etag = null, modified = null, type = null, encoding = null;
        if (!Enter(reader)) return bare;
        while (HasMore(reader))
        {
            switch (reader.LocalName)
            {
                case "Content-Length":
                    length = Text(reader);
                    break;
                case "Etag":
                    etag = Text(reader);
                    break;
                case "Last-Modified":
                    modified = Text(reader);
                    break;
                case "Content-Type":
                    type = Text(reader);
                    break;
                case "Content-Encoding":
                    encoding = Text(reader);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        DateTimeOffset time = DateTimeOffset.TryParse(modified, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset told) ? told : DateTimeOffset.UnixEpoch;
        return bare with
        {
            Length = long.Parse(length ?? "0", NumberStyles.None, CultureInfo.InvariantCulture), ETag = etag ?? "", Created = time, Modified = time, ContentType = type, ContentEncoding = encoding,
        };
    }

    private static void ReadMetadata(XmlReader reader, List<KeyValuePair<string, string>> metadata)
    {
        if (!Enter(reader)) return;
        while (HasMore(reader)) metadata.Add(KeyValuePair.Create(reader.LocalName, reader.ReadElementContentAsString()));
    }

    private static string? Text(XmlReader reader) => reader.ReadElementContentAsString() is { Length: > 0 } text ? text : null;

    /// <summary>Goes into an element; false, and past it, if it is empty.</summary>
    private static bool Enter(XmlReader reader)
    {
        bool isEmpty = reader.IsEmptyElement;
        reader.Read();
        return !isEmpty;
    }

    /// <summary>Goes to the next child of the element that was entered; false, and past its end, if there is none.</summary>
    private static bool HasMore(XmlReader reader)
    {
        if (reader.MoveToContent() == XmlNodeType.Element) return true;
        reader.ReadEndElement();
        return false;
    }

    /// <param name="Name">Of the blob, or the common prefix.</param>
    /// <param name="Bare">What the service says of the blob, without its key; null for a common prefix.</param>
    /// <param name="Metadata">The blob's.</param>
    internal sealed record Entry(string Name, BlobInfo? Bare, IReadOnlyList<KeyValuePair<string, string>> Metadata);
}
