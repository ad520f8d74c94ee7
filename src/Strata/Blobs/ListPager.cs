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
        var page = new ListPageBuilder(request);
        while (!page.IsDone)
        {
            bool isOver = true;
            foreach (string text in keysFrom(page.From))
            {
                if (page.Offer(text, visible)) continue;
                isOver = false;
                break;
            }

            if (isOver) page.End();
        }

        return page.ToPage();
    }

    /// <summary>The common prefix that a text belongs to; null if it is listed itself.</summary>
    public static string? CommonPrefix(string text, ListRequest request)
    {
        if (request.Delimiter is not { } delimiter || !text.StartsWith(request.Prefix, StringComparison.Ordinal)) return null;
        int at = text.IndexOf(delimiter, request.Prefix.Length, StringComparison.Ordinal);
        return at < 0 ? null : text[..(at + delimiter.Length)];
    }

    /// <summary>
    /// A text before another one with next to no keys between the two: where to begin in a store that begins behind a text. Null: at
    /// the very first.
    /// </summary>
    public static string? JustBefore(string text)
    {
        if (Rune.DecodeLastFromUtf16(text, out Rune last, out int length) != OperationStatus.Done) return null;
        string head = text[..^length];
        int previous = last.Value == 0xE000 ? 0xD7FF : last.Value - 1;
        if (previous > 0 && !Rune.IsControl(new Rune(previous))) return $"{head}{new Rune(previous)}\U0010FFFF";
        return head.Length == 0 ? null : head;
    }
}
