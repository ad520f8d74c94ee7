using System.Globalization;

namespace Strata.Server;

/// <summary>The <c>Range</c> header: one range of bytes. Anything else is ignored, as RFC 9110 allows and S3 does.</summary>
internal static class S3Range
{
    /// <summary>Parses the header.</summary>
    /// <param name="header">The header's value; empty for none.</param>
    /// <param name="isEmpty">True for <c>bytes=-0</c>, which asks for no byte at all and cannot be satisfied.</param>
    /// <returns>The range, or null for the whole object.</returns>
    public static BlobRange? Parse(string header, out bool isEmpty)
    {
        isEmpty = false;
        const string Unit = "bytes=";
        if (!header.StartsWith(Unit, StringComparison.OrdinalIgnoreCase)) return null;
        ReadOnlySpan<char> range = header.AsSpan(Unit.Length).Trim();
        int dash = range.IndexOf('-');
        if (dash < 0) return null;
        ReadOnlySpan<char> first = range[..dash].Trim(), last = range[(dash + 1)..].Trim();
        if (first.IsEmpty)
        {
            if (!TryNumber(last, out long suffix)) return null;
            isEmpty = suffix == 0;
            return isEmpty ? null : BlobRange.Last(suffix);
        }

        if (!TryNumber(first, out long from)) return null;
        if (last.IsEmpty) return BlobRange.From(from);
        if (!TryNumber(last, out long to) || to < from) return null;
        return BlobRange.From(from, to - from == long.MaxValue ? null : to - from + 1);
    }

    /// <summary>Digits only; a number too large for 64 bits is the largest one, which lies behind every object's end.</summary>
    private static bool TryNumber(ReadOnlySpan<char> text, out long value)
    {
        value = long.MaxValue;
        if (text.IsEmpty || text.ContainsAnyExceptInRange('0', '9')) return false;
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value)) value = long.MaxValue;
        return true;
    }
}
