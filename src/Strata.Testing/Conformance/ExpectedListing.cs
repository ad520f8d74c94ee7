using System.Text;

namespace Strata.Testing;

/// <summary>What a listing must show, worked out the slow and obvious way.</summary>
internal static class ExpectedListing
{
    /// <summary>Compares the UTF-8 bytes themselves.</summary>
    public static readonly IComparer<string> Utf8Order = Comparer<string>.Create((x, y) => Encoding.UTF8.GetBytes(x).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(y)));

    /// <summary>All entries in order: keys, and common prefixes (told by <c>IsPrefix</c>).</summary>
    public static List<(string Text, bool IsPrefix)> Of(IEnumerable<string> keys, ListRequest request)
    {
        var entries = new SortedDictionary<string, bool>(Utf8Order);
        foreach (string key in keys.Where(k => k.StartsWith(request.Prefix, StringComparison.Ordinal)))
        {
            string? group = CommonPrefix(key, request);
            bool isBehind = request.StartAfter is null || (Utf8Order.Compare(key, request.StartAfter) > 0 && (group is null || group != request.StartAfter));
            if (isBehind) entries[group ?? key] = group is not null;
        }

        return [.. entries.Select(e => (e.Key, e.Value))];
    }

    private static string? CommonPrefix(string key, ListRequest request)
    {
        int at = request.Delimiter is null ? -1 : key.IndexOf(request.Delimiter, request.Prefix.Length, StringComparison.Ordinal);
        return at < 0 ? null : key[..(at + request.Delimiter!.Length)];
    }
}
