namespace Strata;

/// <summary>Pages over entries of the memory store.</summary>
internal static class MemoryListing
{
    /// <summary>One page over entries in order.</summary>
    /// <param name="request">A validated request.</param>
    /// <param name="ticks">The time, in UTC ticks: what has expired is not shown.</param>
    /// <param name="from">The entries from a text on, in order.</param>
    public static ListPage Page(ListRequest request, long ticks, Func<string, IEnumerable<MemoryBlob>> from)
    {
        MemoryBlob? given = null;
        return ListPager.Page(request, TextsFrom, _ => given!.IsVisibleAt(ticks) ? given.Info : null);

        IEnumerable<string> TextsFrom(string text)
        {
            foreach (MemoryBlob blob in from(text))
            {
                given = blob;
                yield return blob.Key.Value;
            }
        }
    }

    /// <summary>One page over entries in no order. Cost: a look at each, and sorting those with the prefix.</summary>
    public static ListPage PageOf(IEnumerable<MemoryBlob> entries, ListRequest request, long ticks)
    {
        (string Text, MemoryBlob Blob)[] sorted = [.. entries
            .Select(blob => (Text: blob.Key.Value, Blob: blob))
            .Where(e => e.Text.StartsWith(request.Prefix, StringComparison.Ordinal))
            .OrderBy(e => e.Text, Comparer<string>.Create(BlobKey.CompareText))];
        return Page(request, ticks, text => sorted.SkipWhile(e => BlobKey.CompareText(e.Text, text) < 0).Select(e => e.Blob));
    }
}
