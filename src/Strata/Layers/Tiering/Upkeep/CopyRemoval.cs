namespace Strata;

/// <summary>
/// Drops copies above the origin under their keys' fences, so that neither a write under way nor a fill that began before is passed by.
/// </summary>
internal sealed class CopyRemoval(UpkeepParts parts)
{
    /// <summary>Keys that are fenced together: their writers wait for the page.</summary>
    private const int PageKeys = 256;

    /// <summary>Drops every copy of a key.</summary>
    public async ValueTask<InvalidateResult> InvalidateAsync(BlobKey key, CancellationToken cancellationToken)
    {
        var tally = new Tally();
        await DropAsync([key], parts.Upper, isInvalidation: true, tally, cancellationToken).ConfigureAwait(false);
        return tally.ToResult();
    }

    /// <summary>Drops every copy under a prefix; an empty one is all.</summary>
    /// <remarks>
    /// Every fill that has read below already is turned away first. Then the slowest tier is emptied first, each key in all tiers at once:
    /// what a reader could still copy upwards from there is in the faster tiers before those are listed.
    /// </remarks>
    public async ValueTask<InvalidateResult> InvalidateAsync(string prefix, IProgress<UpkeepProgress>? progress, CancellationToken cancellationToken)
    {
        var tally = new Tally();
        if (prefix.Length == 0) parts.Trust.BeginEpoch();
        await parts.Fences.AdvanceAllAsync(cancellationToken).ConfigureAwait(false);
        foreach (UpperTier tier in parts.Upper.Reverse())
        {
            try
            {
                await EmptyAsync(tier, parts.Upper, prefix, isInvalidation: true, tally, progress, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                tier.NoteError(e, "list", default);
                tally.Unconfirmed.Add(tier.Name);
                Distrust(tier);
            }
        }

        return tally.ToResult();
    }

    /// <summary>Drops what one tier holds.</summary>
    public async ValueTask<ClearTierResult> ClearAsync(UpperTier tier, IProgress<UpkeepProgress>? progress, CancellationToken cancellationToken)
    {
        var tally = new Tally();
        await EmptyAsync(tier, [tier], "", isInvalidation: false, tally, progress, cancellationToken).ConfigureAwait(false);
        return new ClearTierResult { Copies = tally.Copies, Bytes = tally.Bytes, Failed = tally.Failed, InDoubt = tally.InDoubt };
    }

    private async ValueTask EmptyAsync(
        UpperTier listed, IReadOnlyList<UpperTier> tiers, string prefix, bool isInvalidation, Tally tally, IProgress<UpkeepProgress>? progress, CancellationToken cancellationToken)
    {
        var request = new ListRequest { Prefix = prefix, Limit = PageKeys, Exact = false };
        do
        {
            ListPage page = await listed.ListPageAsync(request, cancellationToken).ConfigureAwait(false);
            if (page.Items.Count > 0)
            {
                foreach (BlobInfo info in page.Items) tally.Lengths[info.Key] = info.Length;
                await DropAsync([.. page.Items.Select(i => i.Key)], tiers, isInvalidation, tally, cancellationToken).ConfigureAwait(false);
                tally.Lengths.Clear();
                tally.Examined += page.Items.Count;
                progress?.Report(new UpkeepProgress(tally.Examined, tally.Copies, tally.Bytes, page.Items[^1].Key.Value));
            }

            request = request with { Token = page.Token };
        }
        while (request.Token is not null);
    }

    /// <param name="keys">In key order, so that two who fence several never wait for each other's.</param>
    /// <param name="tiers">Where they are dropped.</param>
    /// <param name="isInvalidation">Whether what the origin is known to hold is forgotten as well, so that it is asked again.</param>
    /// <param name="tally">What it came to.</param>
    /// <param name="cancellationToken">Gives up before the first is dropped.</param>
    private async ValueTask DropAsync(IReadOnlyList<BlobKey> keys, IReadOnlyList<UpperTier> tiers, bool isInvalidation, Tally tally, CancellationToken cancellationToken)
    {
        var fences = new List<Fences.Fence>(keys.Count);
        try
        {
            foreach (BlobKey key in keys) fences.Add(await parts.Fences.RaiseAsync(key, cancellationToken).ConfigureAwait(false));

            // Copies of a key in doubt are served by nobody, and may be the only bytes of an acknowledged write.
            List<BlobKey> free = [.. keys.Where(key => parts.Doubts.Find(key) is null)];
            tally.InDoubt += keys.Count - free.Count;
            if (isInvalidation) free.ForEach(parts.Trust.Forget);
            var stuck = new HashSet<BlobKey>();
            foreach (UpperTier tier in tiers)
            {
                foreach (DeleteOutcome outcome in await tier.DropAsync(free).ConfigureAwait(false))
                {
                    if (!tally.Note(tier, outcome) && parts.IsServedUnasked(tier)) stuck.Add(outcome.Key);
                    if (outcome.Status == DeleteStatus.Deleted) parts.Events.Add(TierEventKind.Invalidated, tier.Name, outcome.Key, tally.Lengths.GetValueOrDefault(outcome.Key));
                }
            }

            // Such a copy stays passed by until a later read has dropped it.
            foreach (Fences.Fence fence in fences.Where(f => stuck.Contains(f.Key))) fence.InDoubt = true;
        }
        finally
        {
            foreach (Fences.Fence fence in fences) fence.Dispose();
        }
    }

    /// <summary>Copies that nobody has seen are left: all are compared with the origin before they are served.</summary>
    private void Distrust(UpperTier tier)
    {
        if (parts.IsServedUnasked(tier)) parts.StopSharing(tier);
        parts.Trust.BeginEpoch();
    }

    private sealed class Tally
    {
        public long Examined { get; set; }

        public long Copies { get; private set; }

        public long Bytes { get; private set; }

        public long Failed { get; private set; }

        public long InDoubt { get; set; }

        public SortedSet<string> Unconfirmed { get; } = new(StringComparer.Ordinal);

        /// <summary>The lengths of the page's copies, as listed.</summary>
        public Dictionary<BlobKey, long> Lengths { get; } = [];

        /// <returns>False if the copy may still be there.</returns>
        public bool Note(UpperTier tier, DeleteOutcome outcome)
        {
            if (outcome.Status == DeleteStatus.Deleted)
            {
                Copies++;
                Bytes += Lengths.GetValueOrDefault(outcome.Key);
            }

            if (outcome.Status != DeleteStatus.Failed) return true;
            Failed++;
            Unconfirmed.Add(tier.Name);
            return false;
        }

        public InvalidateResult ToResult() => new() { Copies = Copies, Unconfirmed = [.. Unconfirmed], InDoubt = InDoubt };
    }
}
