namespace Strata;

/// <summary>
/// Makes pages out of the origin's and of the keys that it does not have the state of. Those are looked up before the origin is
/// asked, and their state when they are listed: so a key that is there all the time is in exactly one page, whichever of the two
/// has it at which moment (CONSISTENCY 9).
/// </summary>
/// <param name="dirty">The keys that the origin does not have the state of.</param>
/// <param name="origin">The rest.</param>
/// <param name="stat">A key's state, wherever it is.</param>
internal sealed class WriteBackListing(DirtyKeys dirty, IBlobStore origin, Func<BlobKey, CancellationToken, ValueTask<BlobInfo?>> stat)
{
    private readonly DirtyKeys _dirty = dirty;
    private readonly IBlobStore _origin = origin;

    /// <summary>One page. Cost: the origin's pages that it takes, and a look at each pending key among them.</summary>
    /// <param name="request">A validated request.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public ValueTask<ListPage> PageAsync(ListRequest request, CancellationToken cancellationToken) =>
        _dirty.Count == 0 ? _origin.ListPageAsync(request, cancellationToken) : new Run(this, request).GoAsync(cancellationToken);

    private async ValueTask<BlobInfo?> StateAsync(BlobKey key, CancellationToken cancellationToken) =>
        await stat(key, cancellationToken).ConfigureAwait(false) is { } info ? info with { Tier = null } : null;

    /// <summary>The making of one page.</summary>
    private sealed class Run(WriteBackListing listing, ListRequest request)
    {
        private readonly List<BlobInfo> _items = [];
        private readonly List<string> _prefixes = [];
        private string? _position = request.Position();
        private string? _emitted;

        private int Count => _items.Count + _prefixes.Count;

        public async ValueTask<ListPage> GoAsync(CancellationToken cancellationToken)
        {
            int size = Math.Min(request.Limit + 1, ListRequest.MaxLimit);
            while (true)
            {
                List<BlobKey> pending = Pending(size);
                ListRequest asked = request with { Token = null, StartAfter = _position, Limit = size };
                ListPage page = await listing._origin.ListPageAsync(asked, cancellationToken).ConfigureAwait(false);

                // Behind the nearer end of the two there may be what the other does not show.
                string? end = Nearer(page.Token is null ? null : LastOf(page) ?? ListToken.Decode(page.Token, asked), pending.Count < size ? null : pending[^1].Value);
                if (await TakeAsync(pending, page, end, cancellationToken).ConfigureAwait(false)) return new ListPage(_items, _prefixes, ListToken.Encode(_emitted!, request));
                if (end is null) return new ListPage(_items, _prefixes, null);
                if (!IsCovered(end) && (_position is null || BlobKey.CompareText(end, _position) > 0)) _position = end;
            }
        }

        private List<BlobKey> Pending(int size)
        {
            if (_position is null) return listing._dirty.Page(request.Prefix, "", null, size);
            string? from = ListPager.CommonPrefix(_position, request) == _position ? ListPageBuilder.AfterAll(_position) : _position;
            return from is null ? [] : listing._dirty.Page(request.Prefix, from, _position, size);
        }

        /// <summary>Whether the position stands for a group that is in a page already, and the text belongs to it.</summary>
        private bool IsCovered(string text) =>
            _position is not null && text.StartsWith(_position, StringComparison.Ordinal) && ListPager.CommonPrefix(_position, request) == _position;

        /// <summary>Puts what is there into the page, up to an end.</summary>
        /// <returns>True: the page is full, and there is more.</returns>
        private async ValueTask<bool> TakeAsync(List<BlobKey> pending, ListPage page, string? end, CancellationToken cancellationToken)
        {
            var infos = page.Items.ToDictionary(item => item.Key.Value, StringComparer.Ordinal);
            var groups = new HashSet<string>(page.Prefixes, StringComparer.Ordinal);
            var own = new SortedDictionary<string, List<BlobKey>>(Comparer<string>.Create(BlobKey.CompareText));
            foreach (string text in infos.Keys.Concat(groups)) own[text] = [];
            foreach (BlobKey key in pending)
            {
                string text = ListPager.CommonPrefix(key.Value, request) ?? key.Value;
                if (own.TryGetValue(text, out List<BlobKey>? keys)) keys.Add(key);
                else own[text] = [key];
            }

            foreach ((string text, List<BlobKey> keys) in own)
            {
                if (end is not null && BlobKey.CompareText(text, end) > 0) break;
                bool isGroup = groups.Contains(text) || (keys.Count > 0 && keys[0].Value != text) || ListPager.CommonPrefix(text, request) == text;
                BlobInfo? item = isGroup ? null : await ItemAsync(infos.GetValueOrDefault(text), keys, cancellationToken).ConfigureAwait(false);
                if (isGroup ? !await IsShownAsync(text, keys, groups.Contains(text), cancellationToken).ConfigureAwait(false) : item is null) continue;
                if (Count == request.Limit) return true;
                if (item is null) _prefixes.Add(text);
                else _items.Add(item);
                _emitted = text;

                // Of a group nothing is looked at any more.
                _position = text;
            }

            return false;
        }

        private async ValueTask<BlobInfo?> ItemAsync(BlobInfo? atOrigin, List<BlobKey> pending, CancellationToken cancellationToken)
        {
            if (atOrigin is not null && pending.Count == 0 && listing._dirty.Find(atOrigin.Key) is null) return atOrigin;
            return await listing.StateAsync(atOrigin?.Key ?? pending[0], cancellationToken).ConfigureAwait(false);
        }

        /// <summary>Whether there is a blob in a group: one that is pending, or one at the origin that is not.</summary>
        private async ValueTask<bool> IsShownAsync(string group, List<BlobKey> pending, bool isAtOrigin, CancellationToken cancellationToken)
        {
            foreach (BlobKey key in pending)
            {
                if (await listing.StateAsync(key, cancellationToken).ConfigureAwait(false) is not null) return true;
            }

            if (!isAtOrigin) return false;
            string? after = _position is not null && BlobKey.CompareText(_position, group) > 0 ? _position : null;
            while (true)
            {
                ListPage page = await listing._origin.ListPageAsync(new ListRequest { Prefix = group, StartAfter = after, Exact = request.Exact, Limit = request.Limit }, cancellationToken).ConfigureAwait(false);
                foreach (BlobInfo item in page.Items)
                {
                    if (listing._dirty.Find(item.Key) is null || await listing.StateAsync(item.Key, cancellationToken).ConfigureAwait(false) is not null) return true;
                }

                if (page.Token is null) return false;
                if (page.Items.Count > 0) after = page.Items[^1].Key.Value;
            }
        }

        private static string? LastOf(ListPage page)
        {
            string? item = page.Items.Count == 0 ? null : page.Items[^1].Key.Value, group = page.Prefixes.Count == 0 ? null : page.Prefixes[^1];
            return item is null ? group : group is null || BlobKey.CompareText(item, group) > 0 ? item : group;
        }

        /// <summary>Where the origin ends with the group that the pending keys end within, it is there: what follows may show the group.</summary>
        private string? Nearer(string? atOrigin, string? pending)
        {
            if (atOrigin is null || pending is null) return atOrigin ?? pending;
            return BlobKey.CompareText(atOrigin, pending) > 0 || ListPager.CommonPrefix(pending, request) == atOrigin ? pending : atOrigin;
        }
    }
}
