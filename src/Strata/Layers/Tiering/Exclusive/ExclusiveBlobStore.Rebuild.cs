using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>The index, made anew of what the tiers hold.</content>
internal sealed partial class ExclusiveBlobStore
{
    private const int RebuiltAtOnce = 25;
    private readonly SemaphoreSlim _rebuilds = new(1);

    /// <summary>A rebuild was given up: the store stays out of service until another one is complete.</summary>
    private bool _isHalf;

    /// <summary>
    /// Makes the index anew of what the tiers hold: of each key the highest version counts, and other copies are removed afterwards. For
    /// an index that is lost or wrong. What is not in a tier is missing from then on; deletes whose tombstone is lost as well stay done,
    /// but for bytes that a tier had not removed yet.
    /// </summary>
    /// <remarks>Meanwhile the store refuses all else with kind Changed. If it is interrupted, the next opening begins it again.</remarks>
    /// <param name="progress">Told after each page of a listing.</param>
    /// <param name="cancellationToken">Gives up; the store refuses to be used until a rebuild is complete.</param>
    /// <exception cref="StorageException">A tier could not be listed, or the index not be written.</exception>
    internal async ValueTask<PlacementRebuild> RebuildAsync(IProgress<PlacementRebuild>? progress = null, CancellationToken cancellationToken = default)
    {
        await _rebuilds.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_isHalf) await _gate.PauseAsync("The placement index is being rebuilt.", cancellationToken).ConfigureAwait(false);
            _isHalf = true;
            PlacementRebuild done = await MakeAnewAsync(progress, cancellationToken).ConfigureAwait(false);
            _isHalf = false;
            _gate.Resume();
            _settler.Wake();
            return done;
        }
        finally
        {
            _rebuilds.Release();
        }
    }

    /// <summary>Begins with an index that is not there, or not whole.</summary>
    private async ValueTask BeginAsync(PlacementHeader? header, CancellationToken cancellationToken)
    {
        if (header is null && await AreEmptyAsync(cancellationToken).ConfigureAwait(false))
        {
            await WriteHeaderAsync(isWhole: true, cancellationToken).ConfigureAwait(false);
            return;
        }

        _log.LogWarning("Store '{Store}' has no whole placement index in '{Database}'; it is made of what the tiers hold", _options.Name, _index.Name);
        await MakeAnewAsync(null, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<bool> AreEmptyAsync(CancellationToken cancellationToken)
    {
        foreach (HomeTier home in _homes)
        {
            if ((await home.Store.ListPageAsync(new ListRequest { Limit = 1 }, cancellationToken).ConfigureAwait(false)).Items.Count > 0) return false;
        }

        return true;
    }

    private async ValueTask<PlacementRebuild> MakeAnewAsync(IProgress<PlacementRebuild>? progress, CancellationToken cancellationToken)
    {
        await WriteHeaderAsync(isWhole: false, cancellationToken).ConfigureAwait(false);
        await _index.ClearAsync(cancellationToken).ConfigureAwait(false);
        _journal.Clear();
        _left.Clear();
        var done = default(PlacementRebuild);
        foreach (HomeTier home in _homes)
        {
            var request = new ListRequest();
            do
            {
                ListPage page = await home.Store.ListPageAsync(request, cancellationToken).ConfigureAwait(false);
                done = done with { Tier = home.Name, Listed = done.Listed + page.Items.Count };
                foreach (BlobInfo[] some in page.Items.Chunk(RebuiltAtOnce)) done = await PlaceAsync(home, some, done, cancellationToken).ConfigureAwait(false);
                progress?.Report(done);
                request = request with { Token = page.Token };
            }
            while (request.Token is not null);
        }

        await WriteHeaderAsync(isWhole: true, cancellationToken).ConfigureAwait(false);
        return done;
    }

    private async ValueTask<PlacementRebuild> PlaceAsync(HomeTier home, BlobInfo[] found, PlacementRebuild done, CancellationToken cancellationToken)
    {
        var rows = new List<KvMutation>();
        var intents = new List<PlacementIntent>();
        foreach (BlobInfo info in found)
        {
            KeyState state = await _index.ReadAsync(info.Key, cancellationToken).ConfigureAwait(false);
            bool isHere = info.Version > state.Tombstone && (state.Placed is not { } other || info.Version > other.AtHome);
            Leftover? leftover = !isHere ? new Leftover(home.Name, info.Version) : state.Placed is { } older ? new Leftover(older.Home, older.AtHome) : null;
            if (isHere) rows.AddRange(_index.Place(new PlacedBlob(home.Name, info with { Tier = null }, info.Version), state.Tombstone));
            if (leftover is not null) intents.Add(IntentOf(info.Key).With(leftover));
            done = done with { Placed = done.Placed + (isHere && state.Placed is null ? 1 : 0), Leftovers = done.Leftovers + (leftover is null ? 0 : 1) };
        }

        rows.AddRange(intents.Select(_index.Note));
        await _index.CommitAsync(rows, cancellationToken).ConfigureAwait(false);
        intents.ForEach(Remember);
        return done;
    }

    /// <summary>Refuses tiers of which one is gone that blobs live in.</summary>
    private async ValueTask TakeTiersAsync(PlacementHeader header, CancellationToken cancellationToken)
    {
        if (header.Tiers.Order(StringComparer.Ordinal).SequenceEqual(Capabilities.Tiers.Order(StringComparer.Ordinal))) return;
        if (header.Tiers.Except(Capabilities.Tiers).Any() && await _index.FindOutsideAsync(Capabilities.Tiers, cancellationToken).ConfigureAwait(false) is { } lost)
            throw new ArgumentException($"Blobs of store '{_options.Name}', such as '{lost.Info.Key}', live in tier '{lost.Home}', which is not among its tiers {string.Join(", ", Capabilities.Tiers)}: add it again, and move them away before it goes.");

        await WriteHeaderAsync(isWhole: true, cancellationToken).ConfigureAwait(false);
    }

    private ValueTask WriteHeaderAsync(bool isWhole, CancellationToken cancellationToken) => _index.WriteHeaderAsync(new PlacementHeader(isWhole, Capabilities.Tiers), cancellationToken);
}
