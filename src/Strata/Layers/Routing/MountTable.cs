namespace Strata;

/// <summary>
/// Which store takes which keys: the order of all keys cut into ranges, each of one mount. A prefix is a range of that order, so a look-up is
/// a binary search, and a listing goes from range to range.
/// </summary>
internal sealed class MountTable
{
    private readonly MountSegment[] _segments;

    /// <param name="mounts">With different prefixes that are checked already.</param>
    public MountTable(IReadOnlyList<MountedStore> mounts)
    {
        Mounts = [.. mounts.OrderBy(mount => mount.Prefix, Comparer<string>.Create(BlobKey.CompareText))];
        _segments = [.. Cut(Mounts)];
    }

    /// <summary>In the order of their prefixes.</summary>
    public IReadOnlyList<MountedStore> Mounts { get; }

    /// <summary>The mount with the longest prefix that the key begins with.</summary>
    public MountedStore? Find(BlobKey key) => SegmentOf(key.Value).Mount;

    /// <summary>The range that a text lies in.</summary>
    public MountSegment SegmentOf(string text)
    {
        int low = 0, high = _segments.Length - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (BlobKey.CompareText(_segments[middle].From, text) <= 0) low = middle;
            else high = middle - 1;
        }

        return _segments[low];
    }

    /// <summary>The ranges between two texts, cut to them.</summary>
    /// <param name="from">Where they begin, itself included.</param>
    /// <param name="until">Where they end, itself excluded; null: with the last key.</param>
    public IEnumerable<MountSegment> Between(string from, string? until)
    {
        for (string? at = from; at is not null && (until is null || BlobKey.CompareText(at, until) < 0);)
        {
            MountSegment segment = SegmentOf(at);
            string? end = until is not null && segment.EndsBehind(until) ? until : segment.Until;
            yield return new MountSegment(at, end, segment.Mount);
            at = end;
        }
    }

    private static IEnumerable<MountSegment> Cut(IReadOnlyList<MountedStore> mounts)
    {
        var cuts = new SortedSet<string>(Comparer<string>.Create(BlobKey.CompareText)) { "" };
        foreach (MountedStore mount in mounts)
        {
            cuts.Add(mount.Prefix);
            if (mount.Until is { } until) cuts.Add(until);
        }

        string[] from = [.. cuts];
        for (int i = 0; i < from.Length; i++)
        {
            MountedStore? innermost = mounts.Where(mount => mount.Covers(from[i])).MaxBy(mount => mount.Prefix.Length);
            yield return new MountSegment(from[i], i + 1 < from.Length ? from[i + 1] : null, innermost);
        }
    }
}
