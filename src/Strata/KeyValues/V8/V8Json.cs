using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Strata;

/// <summary>JavaScript's values as JSON, and back, where JSON can say them exactly.</summary>
internal static class V8Json
{
    /// <summary>The longest document, bytes: a value of few bytes can refer to itself so often that its text has no end.</summary>
    private const int MaxBytes = 1 << 20;

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What JavaScript makes of a document.</summary>
    /// <exception cref="FormatException">It is no JSON, or deeper than <see cref="V8Value.MaxDepth"/>; the message says where.</exception>
    public static V8Value Read(ReadOnlyMemory<byte> utf8)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = V8Value.MaxDepth - 1 });
            return Of(json.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The reader throws InvalidOperationException for a string that is no valid Unicode.
            throw new FormatException($"The value is no JSON: {e.Message}", e);
        }
    }

    /// <summary>The document that says the value exactly; null: there is none, or it would be longer than 1 MiB.</summary>
    public static ReadOnlyMemory<byte>? TryWrite(V8Value value)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, Options);
        if (!TryWrite(value, json, 0)) return null;
        json.Flush();
        return buffer.WrittenMemory;
    }

    private static V8Value Of(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Null => V8Value.Null,
        JsonValueKind.True => V8Value.Of(true),
        JsonValueKind.False => V8Value.Of(false),
        JsonValueKind.Number => V8Value.Of(json.GetDouble()),
        JsonValueKind.String => V8Value.Of(json.GetString()!),
        JsonValueKind.Array => V8Value.OfArray([.. json.EnumerateArray().Select(Of)]),
        _ => V8Value.OfObject([.. json.EnumerateObject().Select(p => KeyValuePair.Create(p.Name, Of(p.Value)))]),
    };

    private static bool TryWrite(V8Value? value, Utf8JsonWriter json, int depth)
    {
        if (depth > V8Value.MaxDepth || json.BytesCommitted + json.BytesPending > MaxBytes) return false;
        switch (value)
        {
            case { Kind: V8Kind.Null }:
                json.WriteNullValue();
                return true;
            case { Kind: V8Kind.Boolean }:
                json.WriteBooleanValue(value.Number != 0);
                return true;
            case { Kind: V8Kind.Number } when double.IsFinite(value.Number):
                json.WriteNumberValue(value.Number);
                return true;
            case { Kind: V8Kind.String } when IsUnicode(value.Text):
                json.WriteStringValue(value.Text);
                return true;
            case { Kind: V8Kind.Array, Members.Count: 0 } when value.Length == value.Elements.Count:
                json.WriteStartArray();
                if (!value.Elements.TrueForAll(e => TryWrite(e, json, depth + 1))) return false;
                json.WriteEndArray();
                return true;
            case { Kind: V8Kind.Object }:
                json.WriteStartObject();
                foreach ((string name, V8Value member) in value.Members)
                {
                    if (!IsUnicode(name)) return false;
                    json.WritePropertyName(name);
                    if (!TryWrite(member, json, depth + 1)) return false;
                }

                json.WriteEndObject();
                return true;
            default:
                return false;
        }
    }

    /// <summary>JavaScript's strings may have halves of characters, which no UTF-8 can say.</summary>
    private static bool IsUnicode(string text)
    {
        for (ReadOnlySpan<char> rest = text; !rest.IsEmpty;)
        {
            if (Rune.DecodeFromUtf16(rest, out _, out int length) != OperationStatus.Done) return false;
            rest = rest[length..];
        }

        return true;
    }
}
