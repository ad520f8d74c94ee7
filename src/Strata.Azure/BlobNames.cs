using System.Buffers;
using System.Text;

namespace Strata.Azure;

/// <summary>
/// Keys as names of blobs: themselves, but for four characters. Azure takes <c>\</c> for <c>/</c>, and its listings cannot
/// carry U+FFFE and U+FFFF: these are escaped by U+10FFFD, and so is that.
/// </summary>
/// <remarks>
/// <c>\</c> becomes <c>[</c> U+10FFFD <c>b</c>, which stands where <c>\</c> does: behind all that begins with <c>[</c> and
/// before all that is greater. So names are in the order of their keys but for what shares all before a character above U+D7FF.
/// </remarks>
internal static class BlobNames
{
    private const string Escape = "\U0010FFFD";
    private static readonly SearchValues<string> Special = SearchValues.Create(["\\", "\uFFFE", "\uFFFF", Escape], StringComparison.Ordinal);

    public static string Encode(string key)
    {
        if (key.AsSpan().IndexOfAny(Special) < 0) return key;
        return key.Replace(Escape, Escape + "a", StringComparison.Ordinal).Replace("\\", "[" + Escape + "b", StringComparison.Ordinal)
            .Replace("\uFFFE", Escape + "e", StringComparison.Ordinal).Replace("\uFFFF", Escape + "f", StringComparison.Ordinal);
    }

    /// <summary>The key of a name; null if no key has it.</summary>
    public static string? Decode(string name)
    {
        if (!name.Contains(Escape, StringComparison.Ordinal)) return name.AsSpan().IndexOfAny(Special) < 0 ? name : null;
        var key = new StringBuilder(name.Length);
        for (int at = 0, escape; at < name.Length; at = escape + Escape.Length + 1)
        {
            escape = name.IndexOf(Escape, at, StringComparison.Ordinal);
            if (escape < 0) return key.Append(name, at, name.Length - at).ToString();
            key.Append(name, at, escape - at);
            switch (escape + Escape.Length < name.Length ? name[escape + Escape.Length] : '\0')
            {
                case 'a':
                    key.Append(Escape);
                    break;
                case 'e':
                    key.Append('\uFFFE');
                    break;
                case 'f':
                    key.Append('\uFFFF');
                    break;
                case 'b' when key.Length > 0 && key[^1] == '[' && name[escape - 1] == '[':
                    key[^1] = '\\';
                    break;
                default:
                    return null;
            }
        }

        return key.ToString();
    }
}
