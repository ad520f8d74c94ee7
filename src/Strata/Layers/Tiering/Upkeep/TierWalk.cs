using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>Several tiers' listings side by side, in key order: one page of each in memory.</summary>
/// <param name="sources">The tiers.</param>
/// <param name="failed">
/// Told of a tier whose listing failed, by its place; true goes on without it, as if it held nothing more, false ends the walk with the
/// error.
/// </param>
internal sealed class TierWalk(IReadOnlyList<TierCounters> sources, Func<int, Exception, bool> failed)
{
    /// <summary>Each key that one of them holds, with what each says of it.</summary>
    /// <param name="prefix">Only keys that begin with this.</param>
    /// <param name="after">Only keys behind this; null for all.</param>
    /// <param name="cancellationToken">Ends the walk.</param>
    public async IAsyncEnumerable<WalkedKey> WalkAsync(string prefix, string? after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var cursors = new Cursor[sources.Count];
        for (int i = 0; i < cursors.Length; i++)
        {
            cursors[i] = new Cursor(sources[i], new ListRequest { Prefix = prefix, StartAfter = after });
            await StepAsync(i).ConfigureAwait(false);
        }

        while (true)
        {
            BlobKey next = default;
            foreach (Cursor cursor in cursors)
            {
                if (cursor.Current is { } info && (next.IsDefault || info.Key < next)) next = info.Key;
            }

            if (next.IsDefault) yield break;
            var held = new BlobInfo?[cursors.Length];
            for (int i = 0; i < cursors.Length; i++)
            {
                if (cursors[i].Current is not { } info || info.Key != next) continue;
                held[i] = info;
                await StepAsync(i).ConfigureAwait(false);
            }

            yield return new WalkedKey(next, held);
        }

        async ValueTask StepAsync(int index)
        {
            try
            {
                await cursors[index].StepAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is not OperationCanceledException && failed(index, e))
            {
                cursors[index].End();
            }
        }
    }

    private sealed class Cursor(TierCounters tier, ListRequest request)
    {
        private ListRequest? _request = request;
        private IReadOnlyList<BlobInfo> _page = [];
        private int _next;

        /// <summary>Where the cursor stands; null behind the last key.</summary>
        public BlobInfo? Current { get; private set; }

        public async ValueTask StepAsync(CancellationToken cancellationToken)
        {
            while (_next == _page.Count && _request is not null)
            {
                ListPage page = await tier.ListPageAsync(_request, cancellationToken).ConfigureAwait(false);
                (_page, _next) = (page.Items, 0);
                _request = page.Token is null ? null : _request with { Token = page.Token };
            }

            Current = _next < _page.Count ? _page[_next++] : null;
        }

        public void End() => (_request, _page, _next, Current) = (null, [], 0, null);
    }
}
