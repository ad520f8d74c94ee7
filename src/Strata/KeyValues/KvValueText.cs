using System.Globalization;
using System.Text;

namespace Strata;

/// <summary>Values as a person reads and writes them, on the command line and on the page alike.</summary>
internal static class KvValueText
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>What JavaScript has as it shows it, text as it is, other bytes in hexadecimal.</summary>
    public static string Show(KvValue value) => Show(value, int.MaxValue, out _);

    /// <summary>The beginning of what <see cref="Show(KvValue)"/> gives, without having made the rest of it.</summary>
    /// <param name="value">The value.</param>
    /// <param name="mostChars">Its length, characters; 1 or more.</param>
    /// <param name="isCut">True if there is more.</param>
    public static string Show(KvValue value, int mostChars, out bool isCut)
    {
        int asked = mostChars == int.MaxValue ? mostChars : mostChars + 1;
        string text = value.TryGetUInt64(out ulong number) ? number.ToString(CultureInfo.InvariantCulture)
            : value.Encoding == KvEncoding.V8 ? ShowV8(value.Data, asked)
            : ReadableOf(value) ?? Convert.ToHexStringLower(value.Data.Span[..Math.Min(value.Data.Length, (asked / 2) + 1)]);
        isCut = text.Length > mostChars;
        return isCut ? text[..(char.IsHighSurrogate(text[mostChars - 1]) ? mostChars - 1 : mostChars)] : text;
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

    /// <summary>The bytes as text that a person can read; null: they are none, or have control characters.</summary>
    public static string? ReadableOf(KvValue value) =>
        TextOf(value) is { } text && !text.Any(c => char.IsControl(c) && c is not ('\n' or '\t' or '\r')) ? text : null;

    /// <summary>A JSON document as the value that JavaScript makes of it.</summary>
    /// <exception cref="FormatException">It is none; the message says why.</exception>
    public static V8Value FromJson(string text) => V8Json.Read(Encoding.UTF8.GetBytes(text));

    private static string ShowV8(ReadOnlyMemory<byte> data, int mostChars) =>
        V8Value.TryRead(data, out V8Value? known) ? V8Display.Of(known, mostChars) : $"(a value of V8 that is not known here, {data.Length} B)";
}
