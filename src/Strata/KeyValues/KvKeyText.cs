using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace Strata;

/// <summary>Keys as JSON arrays, for people and the command line; the form is told at <see cref="KvKey"/>.</summary>
internal static class KvKeyText
{
    /// <summary>Longer than the text of any key that a database takes.</summary>
    private const int MaxChars = 1 << 16;

    /// <summary>An integer of 255 bytes has 615 digits.</summary>
    private const int MaxDigits = 620;

    public static string Of(KvKey key)
    {
        if (!key.IsTuple) return $"0x{Convert.ToHexStringLower(key.Encoded.Span)}";
        var text = new StringBuilder("[");
        foreach (KvKeyPart part in key)
        {
            if (text.Length > 1) text.Append(',');
            Append(text, part);
        }

        return text.Append(']').ToString();
    }

    public static bool TryParse([NotNullWhen(true)] string? text, out KvKey key, [NotNullWhen(false)] out string? error)
    {
        key = default;
        try
        {
            if (text is null) throw new FormatException("there is none");
            if (text.Length > MaxChars) throw new FormatException($"it has more than {MaxChars} characters");
            key = Read(Encoding.UTF8.GetBytes(text));
            error = null;
            return true;
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException or ArgumentException)
        {
            // The reader throws InvalidOperationException for a string that is no valid Unicode.
            error = $"A key is a JSON array such as [\"users\",\"ann\"] or [1.5,{{\"int\":42}},true]: {e.Message}";
            return false;
        }
    }

    private static StringBuilder Append(StringBuilder text, KvKeyPart part) => part.Kind switch
    {
        KvKeyPartKind.String => text.Append(V8Display.Quoted(part.AsString())),
        KvKeyPartKind.Boolean => text.Append(part),
        KvKeyPartKind.Number when double.IsFinite(part.AsNumber()) => text.Append(part),
        KvKeyPartKind.Integer => text.Append("{\"int\":").Append(part).Append('}'),
        _ => text.Append(part.Kind == KvKeyPartKind.Bytes ? "{\"bytes\":\"" : "{\"number\":\"").Append(part).Append("\"}"),
    };

    private static KvKey Read(ReadOnlySpan<byte> utf8)
    {
        var json = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = 2 });
        if (!json.Read() || json.TokenType != JsonTokenType.StartArray) throw new FormatException("it does not begin with '['");
        List<KvKeyPart> parts = [];
        while (json.Read() && json.TokenType != JsonTokenType.EndArray) parts.Add(ReadPart(ref json));
        if (json.Read()) throw new FormatException("something follows the ']'");
        return KvKey.Of([.. parts]);
    }

    private static KvKeyPart ReadPart(ref Utf8JsonReader json)
    {
        switch (json.TokenType)
        {
            case JsonTokenType.String:
                return json.GetString()!;
            case JsonTokenType.True or JsonTokenType.False:
                return json.GetBoolean();
            case JsonTokenType.Number:
                return double.IsFinite(json.GetDouble()) ? json.GetDouble() : throw new FormatException("a number is too great for a double");
            case JsonTokenType.StartObject:
                json.Read();
                string? name = json.TokenType == JsonTokenType.PropertyName ? json.GetString() : null;
                json.Read();
                KvKeyPart part = ReadNamed(name, ref json);
                json.Read();
                return json.TokenType == JsonTokenType.EndObject ? part : throw new FormatException("an object has one property: \"int\", \"bytes\" or \"number\"");
            default:
                throw new FormatException($"a part is a string, a number, true, false or an object, not {Encoding.UTF8.GetString(json.ValueSpan)}");
        }
    }

    private static KvKeyPart ReadNamed(string? name, ref Utf8JsonReader json)
    {
        string value = json.TokenType switch
        {
            JsonTokenType.String => json.GetString()!,
            JsonTokenType.Number when name == "int" => Encoding.UTF8.GetString(json.ValueSpan),
            _ => throw new FormatException("an object is {\"int\":42}, {\"bytes\":\"00ff\"} or {\"number\":\"NaN\"}"),
        };
        return name switch
        {
            "int" when value.Length <= MaxDigits && BigInteger.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger integer) => integer,
            "int" => throw new FormatException($"'{value}' is no integer of at most {KvKeyPart.MaxIntegerBytes} bytes"),
            "bytes" => Convert.FromHexString(value),
            "number" when value is "NaN" => double.NaN,
            "number" when value is "-NaN" => KvKeyPart.NegativeNaN,
            "number" when value is "Infinity" => double.PositiveInfinity,
            "number" when value is "-Infinity" => double.NegativeInfinity,
            _ => throw new FormatException("an object is {\"int\":42}, {\"bytes\":\"00ff\"} or {\"number\":\"NaN\"}"),
        };
    }
}
