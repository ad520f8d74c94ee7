using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace Strata.Cli;

/// <summary>Values as a person writes and reads them.</summary>
internal static class KvText
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>A key.</summary>
    public static KvKey KeyOf(string text) => KvKey.TryParse(text, out KvKey key, out string? error) && !key.IsEmpty
        ? key
        : throw CliException.Usage($"'{text}' is no key: {error ?? "it has no part"}. A key is a JSON array, such as '[\"users\",\"ann\"]'.");

    /// <summary>The keys that begin with a prefix; null: all.</summary>
    public static KvSelector PrefixOf(string? text) => text is null or "[]" ? KvSelector.All : KvSelector.Prefix(KeyOf(text));

    /// <summary>A value for a person: what JavaScript has as it shows it, text as it is, other bytes in hexadecimal.</summary>
    public static string Show(KvValue value)
    {
        if (value.TryGetUInt64(out ulong number)) return number.ToString(CultureInfo.InvariantCulture);
        if (value.Encoding == KvEncoding.V8) return V8Value.TryRead(value.Data, out V8Value? known) ? known.ToString() : $"(a value of V8 that is not known here, {value.Data.Length} B)";
        return TextOf(value) is { } text && !text.Any(c => char.IsControl(c) && c is not ('\n' or '\t' or '\r')) ? text : Convert.ToHexStringLower(value.Data.Span);
    }

    /// <summary>The bytes as text; null: they are none.</summary>
    public static string? TextOf(KvValue value)
    {
        try
        {
            return Strict.GetString(value.Data.Span);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    /// <summary>A JSON document as the value that JavaScript makes of it.</summary>
    public static V8Value FromJson(string text)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = V8Value.MaxDepth });
            return Of(json.RootElement);
        }
        catch (JsonException e)
        {
            throw CliException.Usage($"The value is no JSON: {e.Message} For a text write '\"…\"', or use --as text.");
        }
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

    /// <summary>A number of 64 bits.</summary>
    public static ulong NumberOf(string text) => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number)
        ? number
        : throw CliException.Usage($"A number is 0 to {ulong.MaxValue}; this is '{text}'.");

    /// <summary>A big integer as JavaScript's.</summary>
    public static BigInteger IntegerOf(string text) => BigInteger.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger integer)
        ? integer
        : throw CliException.Usage($"An integer has digits, and a sign before them where it is negative; this is '{text}'.");
}
