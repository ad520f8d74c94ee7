using System.Globalization;
using System.Numerics;

namespace Strata.Cli;

/// <summary>Keys and values as a person writes and reads them; what is wrong with them is told as a wrong use.</summary>
internal static class KvText
{
    /// <summary>A key.</summary>
    public static KvKey KeyOf(string text) => KvKey.TryParse(text, out KvKey key, out string? error) && !key.IsEmpty
        ? key
        : throw CliException.Usage($"'{text}' is no key. {error?.TrimEnd('.') ?? "A key is a JSON array with at least one part, such as [\"users\",\"ann\"]"}.");

    /// <summary>The keys that begin with a prefix; null: all.</summary>
    public static KvSelector PrefixOf(string? text) => text is null or "[]" ? KvSelector.All : KvSelector.Prefix(KeyOf(text));

    /// <summary>A value for a person: what JavaScript has as it shows it, text as it is, other bytes in hexadecimal.</summary>
    public static string Show(KvValue value) => KvValueText.Show(value);

    /// <summary>The bytes as text; null: they are none.</summary>
    public static string? TextOf(KvValue value) => KvValueText.TextOf(value);

    /// <summary>A JSON document as the value that JavaScript makes of it.</summary>
    public static V8Value FromJson(string text)
    {
        try
        {
            return KvValueText.FromJson(text);
        }
        catch (FormatException e)
        {
            throw CliException.Usage($"{e.Message} For a text write '\"…\"', or use --as text.");
        }
    }

    /// <summary>A number of 64 bits.</summary>
    public static ulong NumberOf(string text) => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number)
        ? number
        : throw CliException.Usage($"A number is 0 to {ulong.MaxValue}; this is '{text}'.");

    /// <summary>A big integer as JavaScript's.</summary>
    public static BigInteger IntegerOf(string text) => BigInteger.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger integer)
        ? integer
        : throw CliException.Usage($"An integer has digits, and a sign before them where it is negative; this is '{text}'.");
}
