namespace Strata;

/// <summary>
/// Makes one page of a listing out of the ranges of a mount table, in key order, and no more calls than the page needs: a store behind
/// the page's end is not asked.
/// </summary>
/// <remarks>
/// Stores roll keys up by themselves. A group that a mount's range begins within belongs to several stores, or may consist of keys that another
/// mount hides: of those, one a mount at most, single keys are asked for.
/// </remarks>
/// <param name="table">The ranges.</param>
/// <param name="request">A validated request.</param>
internal sealed class RoutedListing(MountTable table, ListRequest request)
{
    private const int ProbeLimit = 8;
    private readonly List<BlobInfo> _items = [];
    private readonly List<string> _prefixes = [];
    private readonly string? _position = request.Position();
    private string? _emitted;

    private int Count => _items.Count + _prefixes.Count;

    public async ValueTask<ListPage> PageAsync(CancellationToken cancellationToken)
    {
        string? at = Start(), until = request.Prefix.Length == 0 ? null : ListPageBuilder.AfterAll(request.Prefix);
        string[] shared = SharedGroups();
        while (at is not null && (until is null || BlobKey.CompareText(at, until) < 0))
        {
            string? group = Array.Find(shared, g => at.StartsWith(g, StringComparison.Ordinal));
            string? end = group is null ? Nearest(Array.Find(shared, g => BlobKey.CompareText(g, at) > 0), until) : ListPageBuilder.AfterAll(group);
            bool isFull = group is null ? !await TakeAsync(at, end, cancellationToken).ConfigureAwait(false) : !await TakeGroupAsync(group, at, end, cancellationToken).ConfigureAwait(false);
            if (isFull) return new ListPage(_items, _prefixes, ListToken.Encode(_emitted!, request));
            at = end;
        }

        return new ListPage(_items, _prefixes, null);
    }

    /// <summary>Where the keys begin that are wanted, itself included unless it is the position; null: there are none.</summary>
    private string? Start()
    {
        if (_position is null || BlobKey.CompareText(_position, request.Prefix) <= 0) return request.Prefix;
        return ListPager.CommonPrefix(_position, request) == _position ? ListPageBuilder.AfterAll(_position) : _position;
    }

    /// <summary>The groups, in order, that a mount's range begins within.</summary>
    private string[] SharedGroups() =>
    [
        .. table.Mounts.Select(mount => (mount.Prefix, Group: ListPager.CommonPrefix(mount.Prefix, request)))
            .Where(m => m.Group is not null && m.Group.Length < m.Prefix.Length).Select(m => m.Group!).Distinct(StringComparer.Ordinal),
    ];

    /// <summary>Takes what the stores list between two texts, where no group is shared.</summary>
    /// <returns>False: the page is full, and there is more.</returns>
    private async ValueTask<bool> TakeAsync(string from, string? until, CancellationToken cancellationToken)
    {
        foreach (MountSegment segment in table.Between(from, until))
        {
            if (segment.Mount is { } mount && !await TakeAsync(mount, segment, cancellationToken).ConfigureAwait(false)) return false;
        }

        return true;
    }

    private async ValueTask<bool> TakeAsync(MountedStore mount, MountSegment segment, CancellationToken cancellationToken)
    {
        ListRequest asked = request with { Token = null, StartAfter = BeginAfter(segment.From, request.Prefix) };
        if (request.Delimiter is null) asked = asked with { Prefix = Narrower(mount, request.Prefix) };
        while (true)
        {
            // One more than there is room for tells whether this is the last page.
            asked = asked with { Limit = Math.Min(request.Limit - Count + 1, ListRequest.MaxLimit) };
            ListPage page = await mount.CallAsync(store => store.ListPageAsync(asked, cancellationToken)).ConfigureAwait(false);
            foreach ((string text, BlobInfo? item) in InOrder(page))
            {
                if (!segment.EndsBehind(text)) return true;
                if (IsBefore(segment.From, text, isGroup: item is null)) continue;
                if (Count == request.Limit) return false;
                Add(text, item);
            }

            if (page.Token is null) return true;
            asked = asked with { Token = page.Token };
        }
    }

    private async ValueTask<bool> TakeGroupAsync(string group, string from, string? until, CancellationToken cancellationToken)
    {
        foreach (MountSegment segment in table.Between(from, until))
        {
            if (segment.Mount is not { } mount || !await HasKeyAsync(mount, segment, group, cancellationToken).ConfigureAwait(false)) continue;
            if (Count == request.Limit) return false;
            Add(group, null);
            return true;
        }

        return true;
    }

    private async ValueTask<bool> HasKeyAsync(MountedStore mount, MountSegment segment, string group, CancellationToken cancellationToken)
    {
        var asked = new ListRequest { Prefix = Narrower(mount, group), StartAfter = BeginAfter(segment.From, group), Exact = request.Exact, Limit = ProbeLimit };
        while (true)
        {
            ListPage page = await mount.CallAsync(store => store.ListPageAsync(asked, cancellationToken)).ConfigureAwait(false);
            foreach (BlobInfo item in page.Items)
            {
                if (!segment.EndsBehind(item.Key.Value)) return false;
                if (BlobKey.CompareText(item.Key.Value, segment.From) >= 0) return true;
            }

            if (page.Token is null) return false;
            asked = asked with { Token = page.Token };
        }
    }

    /// <summary>Behind which text a store is asked, whose keys are wanted from a text on.</summary>
    private string? BeginAfter(string from, string prefix)
    {
        string? before = BlobKey.CompareText(from, prefix) <= 0 ? null : ListPager.JustBefore(from);
        return _position is not null && (before is null || BlobKey.CompareText(_position, before) > 0) ? _position : before;
    }

    /// <summary>Whether what a store lists lies before a text: a group does with its last key.</summary>
    private static bool IsBefore(string from, string text, bool isGroup)
    {
        if (!isGroup) return BlobKey.CompareText(text, from) < 0;
        return ListPageBuilder.AfterAll(text) is { } end && BlobKey.CompareText(end, from) <= 0;
    }

    private static string Narrower(MountedStore mount, string prefix) => mount.Prefix.StartsWith(prefix, StringComparison.Ordinal) ? mount.Prefix : prefix;

    private static string? Nearest(string? one, string? other) => one is null || other is null ? one ?? other : BlobKey.CompareText(one, other) < 0 ? one : other;

    private void Add(string text, BlobInfo? item)
    {
        if (item is null) _prefixes.Add(text);
        else _items.Add(item);
        _emitted = text;
    }

    private static IEnumerable<(string Text, BlobInfo? Item)> InOrder(ListPage page)
    {
        int item = 0, group = 0;
        while (item < page.Items.Count || group < page.Prefixes.Count)
        {
            bool isItem = group == page.Prefixes.Count || (item < page.Items.Count && BlobKey.CompareText(page.Items[item].Key.Value, page.Prefixes[group]) < 0);
            yield return isItem ? (page.Items[item].Key.Value, page.Items[item++]) : (page.Prefixes[group++], null);
        }
    }
}
