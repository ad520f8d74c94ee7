namespace Strata.Cli;

/// <summary>
/// What is below a folder of a copy's target, asked key by key in their order: the target is listed beside the source, in
/// bounded memory, and pages that lie between two keys are not asked for.
/// </summary>
internal sealed class ListedTarget(IBlobStore store, string prefix, int pageItems = 1000)
{
    private IReadOnlyList<BlobInfo> _page = [];
    private int _at;
    private string _last = "";
    private bool _isEnd;

    /// <summary>What the listing says of a key. One that is asked out of order may not be found.</summary>
    /// <exception cref="CliException">The target may not be listed.</exception>
    public async ValueTask<BlobInfo?> FindAsync(BlobKey key, CancellationToken cancellationToken)
    {
        while (true)
        {
            for (; _at < _page.Count; _at++)
            {
                int order = _page[_at].Key.CompareTo(key);
                if (order == 0) return _page[_at];
                if (order > 0) return null;
            }

            if (_isEnd) return null;
            await ListFromAsync(key.Value, cancellationToken);
        }
    }

    private async ValueTask ListFromAsync(string key, CancellationToken cancellationToken)
    {
        // A text without its last character comes before it, and mostly little lies between.
        string before = key[..^(char.IsLowSurrogate(key[^1]) ? 2 : 1)];
        if (BlobKey.CompareText(before, _last) < 0) before = _last;
        var request = new ListRequest { Prefix = prefix, StartAfter = before.Length > prefix.Length ? before : null, Limit = pageItems, Exact = false };
        try
        {
            ListPage page;
            do
            {
                page = await store.ListPageAsync(request, cancellationToken);
                request = request with { Token = page.Token };
            }
            while (page.Items.Count == 0 && page.Token is not null);
            (_page, _at, _isEnd) = (page.Items, 0, page.Token is null);
            if (_page.Count > 0) _last = _page[^1].Key.Value;
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.AccessDenied)
        {
            throw new CliException(ExitCode.Unavailable, $"{Fault.Of(e).Message} What is there already is told by a listing; --force copies without one.", e);
        }
    }
}
