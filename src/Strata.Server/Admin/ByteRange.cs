using System.Globalization;

namespace Strata.Server;

/// <summary>One byte range as RFC 9110, section 14.1.2 writes it, without its unit.</summary>
internal static class ByteRange
{
    /// <summary>Parses <c>FIRST-LAST</c>, <c>FIRST-</c> or <c>-COUNT</c>.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out BlobRange range)
    {
        range = default;
        int dash = text.IndexOf('-');
        if (dash < 0) return false;
        ReadOnlySpan<char> first = text[..dash], last = text[(dash + 1)..];
        if (first.IsEmpty)
        {
            if (!Number(last, out long count) || count == 0) return false;
            range = BlobRange.Last(count);
            return true;
        }

        if (!Number(first, out long offset)) return false;
        if (last.IsEmpty)
        {
            range = BlobRange.From(offset);
            return true;
        }

        if (!Number(last, out long end) || end < offset) return false;
        range = BlobRange.From(offset, end == long.MaxValue ? null : end - offset + 1);
        return true;

        static bool Number(ReadOnlySpan<char> text, out long value) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }
}
