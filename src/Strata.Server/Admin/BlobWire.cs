using System.Buffers.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Strata.Server;

/// <summary>
/// How the blob API writes the contract's types as JSON: one place for the server and for the command line, which is
/// its client. Names are camelCase, enumerations are words, times are ISO 8601, versions 16 and checksums 8 hex digits.
/// </summary>
internal static class BlobWire
{
    /// <summary>Request header: the options of a write or delete.</summary>
    public const string OptionsHeader = "Strata-Options";

    /// <summary>Response header: the blob's metadata.</summary>
    public const string InfoHeader = "Strata-Info";

    /// <summary>Response header: the store or tier that served the bytes, percent-encoded.</summary>
    public const string SourceHeader = "Strata-Source";

    /// <summary>Response header: the error, on every failure (a HEAD has no body to hold it).</summary>
    public const string ErrorHeader = "Strata-Error";

    /// <summary>Request header: which copies may answer a read.</summary>
    public const string ConsistencyHeader = "Strata-Consistency";

    /// <summary>The greatest frame of a streamed write, in bytes.</summary>
    public const int MaxFrame = 1024 * 1024;

    /// <summary>Text stays as it is (metadata in any script), so that a header is not longer than it needs to be.</summary>
    public static BlobWireContext Context { get; } = new(new JsonSerializerOptions(BlobWireContext.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    /// <summary>JSON as a header's value: base64url of its UTF-8.</summary>
    public static string ToHeader<T>(T value, JsonTypeInfo<T> type) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(value, type));

    /// <summary>Reads what <see cref="ToHeader"/> wrote.</summary>
    /// <exception cref="ArgumentException">It is no base64url, or no such JSON.</exception>
    public static T FromHeader<T>(string text, JsonTypeInfo<T> type, string header)
    {
        try
        {
            return JsonSerializer.Deserialize(Base64Url.DecodeFromChars(text), type) ?? throw new ArgumentException($"The header {header} holds null.");
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            throw new ArgumentException($"The header {header} must be base64url of a JSON document: {e.Message}", e);
        }
    }
}

/// <summary>Source-generated serialisation of the blob API. What may not be null or left out is refused as it is read.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web, UseStringEnumConverter = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(BlobInfoWire))]
[JsonSerializable(typeof(WriteOptionsWire))]
[JsonSerializable(typeof(ConditionWire))]
[JsonSerializable(typeof(BlobChangesWire))]
[JsonSerializable(typeof(UpdateWire))]
[JsonSerializable(typeof(CommitOptions))]
[JsonSerializable(typeof(CopyWire))]
[JsonSerializable(typeof(WriteResultWire))]
[JsonSerializable(typeof(DeleteResultWire))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
[JsonSerializable(typeof(IReadOnlyList<DeleteOutcomeWire>))]
[JsonSerializable(typeof(ListPageWire))]
[JsonSerializable(typeof(LocateWire))]
[JsonSerializable(typeof(StoreCapabilities))]
[JsonSerializable(typeof(ErrorWire))]
internal sealed partial class BlobWireContext : JsonSerializerContext;
