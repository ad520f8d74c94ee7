using System.Globalization;
using System.Text;

namespace Strata;

/// <summary>RFC 2047 encoded words, by which S3 carries metadata that is not ASCII.</summary>
internal static class EncodedWords
{
    /// <summary>The text as it is if it is printable ASCII that reads as itself, else in UTF-8 and Base64.</summary>
    public static string Encode(string text)
    {
        bool plain = !text.AsSpan().ContainsAnyExceptInRange(' ', '~') && text.AsSpan().Trim(' ').Length == text.Length;
        if (plain && !text.Contains("=?", StringComparison.Ordinal)) return text;
        return $"=?UTF-8?B?{Convert.ToBase64String(Encoding.UTF8.GetBytes(text))}?=";
    }

    /// <summary>Replaces the encoded words in a text; what is not well-formed stays as it is.</summary>
    public static string Decode(string text)
    {
        if (!text.Contains("=?", StringComparison.Ordinal)) return text;
        var result = new StringBuilder(text.Length);
        int at = 0;
        bool afterWord = false;
        while (at < text.Length)
        {
            int start = text.IndexOf("=?", at, StringComparison.Ordinal);
            if (start < 0 || !TryWord(text, start, out int end, out string? word))
            {
                int upTo = start < 0 ? text.Length : start + 2;
                result.Append(text, at, upTo - at);
                at = upTo;
                afterWord = false;
                continue;
            }

            // White space between two words only separates them (section 6.2).
            if (!afterWord || !text.AsSpan(at, start - at).IsWhiteSpace()) result.Append(text, at, start - at);
            result.Append(word);
            at = end;
            afterWord = true;
        }

        return result.ToString();
    }

    private static bool TryWord(string text, int start, out int end, out string? word)
    {
        end = 0;
        word = null;
        int charset = text.IndexOf('?', start + 2);
        if (charset < 0 || charset + 2 >= text.Length || text[charset + 2] != '?') return false;

        // No '?' stands within a word, so that the search for its end never passes the next word's beginning.
        int close = text.IndexOf('?', charset + 3);
        if (close < 0 || close + 1 == text.Length || text[close + 1] != '=' || Charset(text[(start + 2)..charset]) is not { } encoding) return false;
        string content = text[(charset + 3)..close];
        byte[]? bytes = text[charset + 1] is 'B' or 'b' ? Base64(content) : text[charset + 1] is 'Q' or 'q' ? Quoted(content) : null;
        if (bytes is null) return false;
        word = encoding.GetString(bytes);
        end = close + 2;
        return true;
    }

    private static Encoding? Charset(string name) => name.ToUpperInvariant() switch
    {
        "UTF-8" => Encoding.UTF8,
        "ISO-8859-1" => Encoding.Latin1,
        "US-ASCII" => Encoding.ASCII,
        _ => null,
    };

    private static byte[]? Base64(string text)
    {
        byte[] bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out int written) ? bytes[..written] : null;
    }

    private static byte[]? Quoted(string text)
    {
        var bytes = new List<byte>(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '=')
            {
                if (text[i] > '~') return null;
                bytes.Add(text[i] == '_' ? (byte)' ' : (byte)text[i]);
                continue;
            }

            if (i + 2 >= text.Length || !byte.TryParse(text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value)) return null;
            bytes.Add(value);
            i += 2;
        }

        return [.. bytes];
    }
}
