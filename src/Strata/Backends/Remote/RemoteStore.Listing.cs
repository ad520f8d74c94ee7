using System.Runtime.CompilerServices;

namespace Strata;

/// <content>Listings and sweeps.</content>
internal sealed partial class RemoteStore
{
    /// <summary>How long deletes leave tombstones; null: they do not.</summary>
    public TimeSpan? KeepsTombstones => _options.KeepsTombstones;

    public async ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        using OperationGate.Pass pass = Enter("list");
        request.Validate();
        cancellationToken.ThrowIfCancellationRequested();
        var items = new List<BlobInfo>();
        var prefixes = new List<string>();
        string? last = null;
        await foreach (RemotePage page in _service.PagesAsync(request, isOwn: false, cancellationToken).ConfigureAwait(false))
        {
            for (int at = 0; at < page.Entries.Count;)
            {
                // No more looks than the page has room for, and one to know whether there is a next.
                RemoteListed[] some = [.. page.Entries.Skip(at).Take(request.Limit + 1 - items.Count - prefixes.Count)];
                at += some.Length;
                BlobInfo?[] infos = await LookAsync(some, request, cancellationToken).ConfigureAwait(false);
                for (int i = 0; i < some.Length; i++)
                {
                    if (infos[i] is null && !(some[i].IsPrefix && IsBelieved(request))) continue;
                    if (items.Count + prefixes.Count == request.Limit) return new ListPage(items, prefixes, ListToken.Encode(last!, request));
                    last = some[i].Text;
                    if (some[i].IsPrefix) prefixes.Add(last);
                    else items.Add(infos[i]!);
                }
            }

            // The server says that there is more: what that is costs a request, which the next page makes anyway.
            if (!request.Exact && page.IsTruncated && items.Count + prefixes.Count == request.Limit) return new ListPage(items, prefixes, ListToken.Encode(last!, request));
        }

        return new ListPage(items, prefixes, null);
    }

    /// <summary>What is behind a request's position, page by page and in order; under an empty prefix nothing of the store's own. Expired blobs are blobs.</summary>
    public async IAsyncEnumerable<IReadOnlyList<RemoteListed>> ListAsync(ListRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        bool isOwn = request.Prefix.StartsWith(RemoteUploads.Reserved, StringComparison.Ordinal);
        await foreach (RemotePage page in _service.PagesAsync(request, isOwn, cancellationToken).ConfigureAwait(false)) yield return page.Entries;
    }

    public async ValueTask<SweepResult> SweepAsync(SweepOptions? options, IProgress<SweepResult>? progress, CancellationToken cancellationToken)
    {
        options ??= new SweepOptions();
        options.Check();
        using OperationGate.Pass pass = Enter("sweep");
        return await new RemoteSweep(this, Uploads, _context.Clock, _log, options, progress).RunAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends the server's own unfinished uploads that were begun before a time, but for those of this store; tells how many.</summary>
    public ValueTask<int> EndUploadsAsync(DateTimeOffset before, CancellationToken cancellationToken) =>
        _service.EndUploadsAsync(before, id => _sending.Keys.Any(s => s.Id == id), cancellationToken);

    /// <summary>True if what a listing without records says of a common prefix is shown without a look.</summary>
    private bool IsBelieved(ListRequest request) => !request.Exact && !_traits.ListsRecords;

    /// <summary>
    /// What is shown: null for what is gone or has expired; for a common prefix anything, if one visible blob is behind it. A
    /// listing that is not exact leaves out what its length gives away as a tombstone, where deletes leave such.
    /// </summary>
    private async ValueTask<BlobInfo?[]> LookAsync(RemoteListed[] entries, ListRequest request, CancellationToken cancellationToken)
    {
        var infos = new BlobInfo?[entries.Length];
        var open = new List<int>();
        for (int i = 0; i < entries.Length; i++)
        {
            RemoteListed entry = entries[i];
            bool isOpen = entry.IsPrefix ? entry.Info is null && !IsBelieved(request)
                : entry.Blob is { } blob ? request.Exact && blob.Appendix is not null
                : request.Exact || (_options.KeepsTombstones is not null && entry.Length == RemoteTombstone.Bytes);
            if (isOpen) open.Add(i);
            else infos[i] = entry.Blob is null ? entry.Info : Visible(entry.Blob);
        }

        if (open.Count == 0) return infos;
        string? position = request.Position();
        await Parallel.ForEachAsync(open, AtOnce(cancellationToken), async (i, token) =>
            infos[i] = entries[i].IsPrefix ? await FirstVisibleAsync(entries[i].Text, position, token).ConfigureAwait(false) : await LookAsync(entries[i], token).ConfigureAwait(false)).ConfigureAwait(false);
        return infos;
    }

    private async ValueTask<BlobInfo?> LookAsync(RemoteListed entry, CancellationToken cancellationToken)
    {
        RemoteBlob? whole = entry.Blob is { } blob ? await _appendices.CompleteAsync(blob, isLast: false, cancellationToken).ConfigureAwait(false) : null;
        return Visible(whole ?? await FindAsync(entry.Key, "list", cancellationToken).ConfigureAwait(false));
    }

    private async ValueTask<BlobInfo?> FirstVisibleAsync(string prefix, string? position, CancellationToken cancellationToken)
    {
        var request = new ListRequest { Prefix = prefix, StartAfter = position, Limit = 1 };
        await foreach (RemotePage page in _service.PagesAsync(request, isOwn: false, cancellationToken).ConfigureAwait(false))
        {
            foreach (RemoteListed entry in page.Entries)
            {
                RemoteBlob? found = entry.Blob ?? await FindAsync(entry.Key, "list", cancellationToken).ConfigureAwait(false);
                if (Visible(found) is { } visible) return visible;
            }
        }

        return null;
    }
}
