using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Strata;

/// <summary>JSON in UTF-8, by what the source generator of System.Text.Json made.</summary>
internal sealed class JsonCodec<T> : IKvCodec<T>
{
    private readonly JsonTypeInfo<T> _type;

    public JsonCodec(JsonTypeInfo<T> type)
    {
        ArgumentNullException.ThrowIfNull(type);
        _type = type;
    }

    public KvEncoding Encoding => KvEncoding.Bytes;

    public void Write(T value, IBufferWriter<byte> output)
    {
        using var json = new Utf8JsonWriter(output);
        JsonSerializer.Serialize(json, value, _type);
    }

    public T Read(KvEncoding encoding, ReadOnlySequence<byte> bytes)
    {
        if (encoding != KvEncoding.Bytes) throw new FormatException($"JSON is asked for, and the value is of encoding {encoding}");
        try
        {
            var json = new Utf8JsonReader(bytes);
            T value = JsonSerializer.Deserialize(ref json, _type)!;
            return !json.Read() ? value : throw new FormatException("something follows the JSON value");
        }
        catch (JsonException e)
        {
            // Where it went wrong; the exception's own message may quote the value.
            throw new FormatException($"the bytes are no JSON of the type (line {e.LineNumber}, byte {e.BytePositionInLine})", e);
        }
    }
}
