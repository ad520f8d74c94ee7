namespace Strata;

/// <summary>
/// Makes pages out of the layers' own, merged in key order, in rounds of a page a layer: memory does not grow with the list. Keys that a layer has
/// missed are looked up before the layers are asked, and their state by those that have it: so a key that is there all the time is in exactly one
/// page, whichever layer has it at which moment (CONSISTENCY 9).
/// </summary>
/// <param name="store">Knows a key's state.</param>
/// <param name="layers">Those that are listed, in the order in which they are read.</param>
/// <param name="request">A validated request.</param>
/// <param name="pastErrors">Whether a layer that is written and fails is passed by if another one answers.</param>
internal sealed class FanoutPager(FanoutBlobStore store, IReadOnlyList<Replica> layers, ListRequest request, bool pastErrors)
{
    private const int MostAtOnce = 1000;
    private readonly ListPageBuilder _page = new(request);
    private string? _after;

    public async ValueTask<ListPage> PageAsync(CancellationToken cancellationToken)
    {
        int size = Math.Min(request.Limit + 1, MostAtOnce);
        while (!_page.IsDone)
        {
            string from = _after is not null && BlobKey.CompareText(_after, _page.From) >= 0 ? _after + "\0" : _page.From;
            string? end = null;
            var found = new SortedDictionary<string, (BlobInfo? Info, bool IsWritten)>(Comparer<string>.Create(BlobKey.CompareText));
            foreach (Replica replica in store.Written)
            {
                List<BlobKey> missed = replica.Missed.Page(request.Prefix, from, size);
                foreach (BlobKey key in missed) found[key.Value] = default;
                if (missed.Count == size) end = Nearer(end, missed[^1].Value);
            }

            foreach ((Replica replica, ListPage page, string? last) in await ListAsync(from, size, cancellationToken).ConfigureAwait(false))
            {
                foreach (BlobInfo info in page.Items) found.TryAdd(info.Key.Value, (info, replica.IsWritten));
                end = Nearer(end, last);
            }

            await OfferAsync(found, from, end, cancellationToken).ConfigureAwait(false);
            if (end is null) _page.End();
            _after = end;
        }

        return _page.ToPage();
    }

    private async ValueTask OfferAsync(SortedDictionary<string, (BlobInfo? Info, bool IsWritten)> found, string from, string? end, CancellationToken cancellationToken)
    {
        foreach ((string text, (BlobInfo? info, bool isWritten)) in found)
        {
            if (BlobKey.CompareText(text, from) < 0 || BlobKey.CompareText(text, _page.From) < 0) continue;
            if (end is not null && BlobKey.CompareText(text, end) > 0) return;
            BlobInfo? visible = await VisibleAsync(text, info, isWritten, cancellationToken).ConfigureAwait(false);
            _page.Offer(text, _ => visible);
            if (_page.IsDone) return;
        }
    }

    private async ValueTask<BlobInfo?> VisibleAsync(string text, BlobInfo? info, bool isWritten, CancellationToken cancellationToken)
    {
        BlobKey key = info?.Key ?? BlobKey.Parse(text);
        if (info is null || store.Written.Any(replica => replica.Missed.Contains(key))) return await store.StateAsync(key, cancellationToken).ConfigureAwait(false);
        return isWritten || !await store.IsCoveredAsync(key, cancellationToken).ConfigureAwait(false) ? info : null;
    }

    /// <summary>A page of each layer, with where it ends if there is more behind it.</summary>
    private async ValueTask<IReadOnlyList<(Replica Replica, ListPage Page, string? Last)>> ListAsync(string from, int size, CancellationToken cancellationToken)
    {
        string? before = BlobKey.CompareText(from, request.Prefix) <= 0 ? null : _after is not null && from == _after + "\0" ? _after : ListPager.JustBefore(from);
        var asked = new ListRequest { Prefix = request.Prefix, StartAfter = before, Limit = size, Exact = request.Exact };
        Task<(Replica, ListPage?, StorageException?)>[] running = [.. layers.Select(ListAsync)];
        (Replica Replica, ListPage? Page, StorageException? Error)[] pages = await Task.WhenAll(running).ConfigureAwait(false);
        bool isAnswered = pages.Any(p => p.Replica.IsWritten && p.Page is not null);
        if (pages.FirstOrDefault(p => p.Error is not null && !(pastErrors && p.Replica.IsWritten && isAnswered)).Error is { } error) throw error;
        return [.. pages.Where(p => p.Page is not null).Select(p => (p.Replica, p.Page!, p.Page!.Token is null ? null : p.Page.Items.Count > 0 ? p.Page.Items[^1].Key.Value : ListToken.Decode(p.Page.Token, asked)))];

        async Task<(Replica, ListPage?, StorageException?)> ListAsync(Replica replica)
        {
            try
            {
                return (replica, await replica.CallAsync(layer => layer.ListPageAsync(asked, cancellationToken)).ConfigureAwait(false), null);
            }
            catch (StorageException e)
            {
                return (replica, null, e);
            }
        }
    }

    private static string? Nearer(string? one, string? other) => one is null || other is null ? one ?? other : BlobKey.CompareText(one, other) < 0 ? one : other;
}
