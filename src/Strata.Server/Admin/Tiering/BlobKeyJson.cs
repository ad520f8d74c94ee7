using System.Text.Json;
using System.Text.Json.Serialization;

namespace Strata.Server;

/// <summary>A key as a JSON string.</summary>
internal sealed class BlobKeyJson : JsonConverter<BlobKey>
{
    /// <exception cref="JsonException">The text is no key.</exception>
    public override BlobKey Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        BlobKey.TryParse(reader.GetString(), out BlobKey key, out string? error) ? key : throw new JsonException($"This is no key: {error}");

    public override void Write(Utf8JsonWriter writer, BlobKey value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
}
