using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Strata;

/// <summary>
/// What Strata keeps of a blob and an object store has no place for, as one header of printable ASCII: the metadata
/// <c>strata</c>, a JSON object (docs/formats/s3.md). User metadata whose names the server takes are headers of their own, so
/// that others see them.
/// </summary>
/// <param name="maxBytes">The most that the server takes of metadata, names and values.</param>
/// <param name="isHeader">Whether a name and its value, encoded, can be a header.</param>
internal sealed class RemoteRecord(int maxBytes, Func<string, string, bool> isHeader)
{
    /// <summary>The name of the record's header. No other of Strata's headers begins with it.</summary>
    public const string Header = "strata";

    private const int Format = 1;

    /// <summary>The headers of a blob, names without their prefix.</summary>
    /// <param name="info">The blob.</param>
    /// <param name="writeId">Names the write.</param>
    /// <param name="appendix">Names the appendix that has the last word; null for none.</param>
    /// <param name="neededUntil">Of a tombstone: until when it keeps older copies out.</param>
    public Dictionary<string, string> Headers(BlobInfo info, string writeId, string? appendix, DateTimeOffset? neededUntil = null)
    {
        var headers = new Dictionary<string, string>(StringComparer.Ordinal);
        var others = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach ((string name, string value) in info.Metadata)
        {
            string encoded = EncodedWords.Encode(value);
            if (value.Length > 0 && !name.StartsWith(Header, StringComparison.OrdinalIgnoreCase) && isHeader(name, encoded)) headers[name] = encoded;
            else others[name] = value;
        }

        headers[Header] = Json(info, others, writeId, appendix, neededUntil);
        return headers;
    }

    /// <summary>Only what names the write and its appendix: for a blob whose headers would be too long.</summary>
    public Dictionary<string, string> ShortHeaders(BlobInfo info, string writeId, string appendix)
    {
        BlobInfo small = info with { ETag = info.Version.ToETag(), ContentType = null, ContentEncoding = null, Metadata = BlobInfo.NoMetadata };
        return Headers(small, writeId, appendix);
    }

    /// <summary>True if the server takes the headers.</summary>
    public bool Fit(Dictionary<string, string> headers) => headers.Sum(h => h.Key.Length + h.Value.Length) <= maxBytes;

    /// <summary>The content of an appendix: the whole record.</summary>
    public static byte[] Appendix(BlobInfo info, string writeId) => Encoding.ASCII.GetBytes(Json(info, info.Metadata, writeId, null, null));

    /// <summary>Reads what an appendix says over what its blob's headers say.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static BlobInfo ReadAppendix(ReadOnlyMemory<byte> json, RemoteBlob of) =>
        Read(Encoding.UTF8.GetString(json.Span), of.Info with { Metadata = BlobInfo.NoMetadata }).Info;

    /// <summary>A blob of these headers.</summary>
    /// <param name="bare">What the server itself says: key, length, ETag, times, types.</param>
    /// <param name="headers">Metadata by name, without its prefix.</param>
    /// <exception cref="FormatException">The record is damaged or of a later version.</exception>
    public static RemoteBlob Read(BlobInfo bare, IEnumerable<KeyValuePair<string, string>> headers)
    {
        string? record = null;
        Dictionary<string, string>? metadata = null;
        foreach ((string header, string value) in headers)
        {
            if (header.Equals(Header, StringComparison.OrdinalIgnoreCase)) record = value;
            else (metadata ??= new(StringComparer.Ordinal))[header] = EncodedWords.Decode(value);
        }

        BlobInfo info = metadata is null ? bare : bare with { Metadata = metadata };
        if (record is null) return new RemoteBlob(info with { Metadata = NewBlob.Copy(info.Metadata) }, bare.ETag, null, null);
        return Read(record, info with { ContentType = null, ContentEncoding = null });
    }

    private static string Json(BlobInfo info, IReadOnlyDictionary<string, string> metadata, string writeId, string? appendix, DateTimeOffset? neededUntil)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("format", Format);
            json.WriteString("version", info.Version.ToString());
            json.WriteString("write", writeId);
            json.WriteNumber("modified", info.Modified.ToUnixTimeMilliseconds());
            if (info.Created != info.Modified) json.WriteNumber("created", info.Created.ToUnixTimeMilliseconds());
            if (info.Expires is { } expires) json.WriteNumber("expires", expires.ToUnixTimeMilliseconds());
            if (info.ETag != info.Version.ToETag()) json.WriteString("etag", info.ETag);
            if (info.Checksum is { } checksum) json.WriteString("crc32c", checksum.ToString("x8", CultureInfo.InvariantCulture));
            if (info.ContentType is { } type) json.WriteString("type", type);
            if (info.ContentEncoding is { } encoding) json.WriteString("encoding", encoding);
            if (appendix is not null) json.WriteString("appendix", appendix);
            if (neededUntil is { } needed) json.WriteNumber("needed", needed.ToUnixTimeMilliseconds());
            if (metadata.Count > 0)
            {
                json.WriteStartObject("metadata");
                foreach ((string name, string value) in metadata) json.WriteString(name, value);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        // Servers decode encoded words ("=?…?=") and signatures fold spaces: neither may find any in here.
        return Encoding.ASCII.GetString(buffer.WrittenSpan).Replace("?", "\\u003F", StringComparison.Ordinal).Replace(" ", "\\u0020", StringComparison.Ordinal);
    }

    private static RemoteBlob Read(string text, BlobInfo bare)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            JsonElement json = document.RootElement;
            if (json.GetProperty("format").GetInt32() != Format) throw new FormatException("it is of a later format");
            if (!BlobVersion.TryParse(Text("version"), out BlobVersion version)) throw new FormatException("it has no version");
            var metadata = new Dictionary<string, string>(bare.Metadata, StringComparer.Ordinal);
            if (json.TryGetProperty("metadata", out JsonElement others))
            {
                foreach (JsonProperty other in others.EnumerateObject()) metadata[other.Name] = other.Value.GetString() ?? "";
            }

            DateTimeOffset modified = Time("modified") ?? bare.Modified;
            BlobInfo info = bare with
            {
                Version = version,
                ETag = Text("etag") ?? version.ToETag(),
                Modified = modified,
                Created = Time("created") ?? modified,
                Expires = Time("expires"),
                Checksum = Text("crc32c") is { } checksum ? uint.Parse(checksum, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) : null,
                ContentType = Text("type"),
                ContentEncoding = Text("encoding"),
                Metadata = NewBlob.Copy(metadata),
            };
            return new RemoteBlob(info, bare.ETag, Text("write"), Text("appendix"), Time("needed"));

            string? Text(string name) => json.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;

            DateTimeOffset? Time(string name) => json.TryGetProperty(name, out JsonElement value) ? DateTimeOffset.FromUnixTimeMilliseconds(value.GetInt64()) : null;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or OverflowException or ArgumentException)
        {
            throw new FormatException("it is not what Strata wrote", e);
        }
    }
}
