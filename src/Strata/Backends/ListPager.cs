using System.Buffers;
using System.Text;

namespace Strata;

/// <summary>Makes one page of a listing out of keys in order.</summary>
internal static class ListPager
{
    /// <summary>One page. Cost: one seek for its start and for each common prefix, then one step a key looked at.</summary>
    /// <param name="request">A validated request.</param>
    /// <param name="keysFrom">The keys from a text on, itself included, in the order of their UTF-8 bytes.</param>
    /// <param name="visible">The metadata of the key that was given last, or null if it is not to be shown.</param>
    public static ListPage Page(ListRequest request, Func<string, IEnumerable<string>> keysFrom, Func<string, BlobInfo?> visible)
    {
        var items = new List<BlobInfo>();
        var prefixes = new List<string>();
        string? position = request.Position(), emitted = null;
        string? covered = position is not null && CommonPrefix(position, request) == position ? position : null;
        string from = position is not null && BlobKey.CompareText(position, request.Prefix) > 0 ? position : request.Prefix;
        while (true)
        {
            string? skipTo = null;
            foreach (string text in keysFrom(from))
            {
                if (!text.StartsWith(request.Prefix, StringComparison.Ordinal)) return new(items, prefixes, null);
                string? group = CommonPrefix(text, request);
                string emit = group ?? text;
                bool isCovered = covered is not null && group == covered;
                bool isBehind = !isCovered && (position is null || BlobKey.CompareText(text, position) > 0);
                BlobInfo? info = isBehind ? visible(text) : null;
                if (info is not null)
                {
                    if (items.Count + prefixes.Count == request.Limit) return new(items, prefixes, ListToken.Encode(emitted!, request));
                    if (group is null) items.Add(info);
                    else prefixes.Add(group);
                    emitted = emit;
                }

                if (group is not null && (info is not null || isCovered))
                {
                    skipTo = group;
                    break;
                }
            }

            if (skipTo is null || AfterAll(skipTo) is not { } next) return new(items, prefixes, null);
            from = next;
        }
    }

    /// <summary>The common prefix that a text belongs to; null if it is listed itself.</summary>
    public static string? CommonPrefix(string text, ListRequest request)
    {
        if (request.Delimiter is not { } delimiter || !text.StartsWith(request.Prefix, StringComparison.Ordinal)) return null;
        int at = text.IndexOf(delimiter, request.Prefix.Length, StringComparison.Ordinal);
        return at < 0 ? null : text[..(at + delimiter.Length)];
    }

    /// <summary>The least text that is behind every text beginning with <paramref name="prefix"/>; null if there is none.</summary>
    private static string? AfterAll(string prefix)
    {
        ReadOnlySpan<char> head = prefix;
        while (Rune.DecodeLastFromUtf16(head, out Rune last, out int length) == OperationStatus.Done)
        {
            head = head[..^length];
            if (last.Value < 0x10FFFF) return $"{head}{new Rune(last.Value == 0xD7FF ? 0xE000 : last.Value + 1)}";
        }

        return null;
    }
}
