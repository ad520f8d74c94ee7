using System.Text;
using System.Text.Json;

namespace Strata;

/// <summary>An upload in parts as an object store keeps it: what the blob will be, in an object of its own that never changes.</summary>
/// <param name="Id">Its name: the version of its beginning, then 16 hexadecimal digits that cannot be guessed.</param>
/// <param name="Info">Key, time of the beginning, types, metadata and expiry.</param>
internal sealed record RemoteSession(string Id, BlobInfo Info)
{
    public WriteOptions Options { get; } = new() { ContentType = Info.ContentType, ContentEncoding = Info.ContentEncoding, Expires = Info.Expires, Metadata = Info.Metadata };

    /// <summary>True for what may be the name of one.</summary>
    public static bool IsId(string text) => text.Length == 32 && text.All(char.IsAsciiHexDigitLower);

    /// <summary>The content of its object.</summary>
    public byte[] Write() => Encoding.UTF8.GetBytes($$"""{"key":"{{JsonEncodedText.Encode(Info.Key.Value)}}","record":{{Encoding.ASCII.GetString(RemoteRecord.Appendix(Info, Id))}}}""");

    /// <exception cref="FormatException">It is none.</exception>
    public static RemoteSession Read(string id, ReadOnlyMemory<byte> content)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(content);
            BlobKey key = BlobKey.Parse(json.RootElement.GetProperty("key").GetString() ?? "");
            var bare = new BlobInfo { Key = key, Length = 0, ETag = "" };
            return new RemoteSession(id, RemoteRecord.ReadAppendix(Encoding.ASCII.GetBytes(json.RootElement.GetProperty("record").GetRawText()), new RemoteBlob(bare, "", null, null)));
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or ArgumentException)
        {
            throw new FormatException("it is not what Strata wrote", e);
        }
    }
}
