namespace Strata;

/// <summary>Composes a tiered store's list so that each blob has one home: volatile tiers on top hold copies, the rest become the origin.</summary>
internal static class ExclusiveTiers
{
    /// <summary>The name of the origin that the homes make together; the tiers keep theirs.</summary>
    private const string Origin = "homes";

    /// <summary>Whether a tier that is to be opened by this address can be no home.</summary>
    public static bool IsVolatile(string url) => url.StartsWith("memory:", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the placement index has a place among the tiers.</summary>
    public static bool HaveRows(IReadOnlyList<Tier> tiers) => Homes(tiers).Any(TieredBlobStore.HasRows);

    /// <summary>Composes open tiers.</summary>
    /// <param name="tiers">Fastest first; replaced by those of the tiered store, which owns what was there.</param>
    /// <param name="options">Settings.</param>
    /// <param name="context">Clock and loggers.</param>
    /// <param name="state">The database for the index; null: the rows of the first home that has some.</param>
    /// <param name="cancellationToken">Gives up; the tiers are as before.</param>
    /// <returns>The database that the index is in.</returns>
    /// <exception cref="ArgumentException">The tiers do not fit together; the message names the culprit and the fix.</exception>
    /// <exception cref="StorageException">The index cannot be read.</exception>
    public static async ValueTask<IKvDatabase> ComposeAsync(List<Tier> tiers, TieringOptions options, StoreContext context, IKvDatabase? state, CancellationToken cancellationToken)
    {
        Tier[] homes = Homes(tiers);
        IKvDatabase index = state ?? homes.Where(TieredBlobStore.HasRows).Select(RowsOf).FirstOrDefault()
            ?? throw new ArgumentException($"No tier of store '{options.Name}' can hold the placement index, which exclusive containment needs: set State (in the configuration Tiering:State) to the address of a durable KV database, such as file:./placement.");
        var settings = new ExclusiveOptions { Name = options.Name, Rules = options.Policy.Rules, RequestLife = options.RequestLife };
        ExclusiveBlobStore origin = await ExclusiveBlobStore.OpenAsync(homes, index, ownsIndex: false, settings, context, cancellationToken).ConfigureAwait(false);
        tiers.RemoveRange(tiers.Count - homes.Length, homes.Length);
        tiers.Add(new Tier { Name = tiers.Any(tier => tier.Name == Origin) ? $"{Origin} of {options.Name}" : Origin, Store = origin });
        return index;
    }

    /// <summary>
    /// Refuses to take tiers for copies that blobs live in: their only bytes would count as old copies. An index of which every blob is in the
    /// last tier is given up, so that it is made anew if it is ever wanted again.
    /// </summary>
    /// <param name="tiers">Fastest first.</param>
    /// <param name="options">Settings.</param>
    /// <param name="context">The clock.</param>
    /// <param name="state">The store's database; null: none.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">Blobs live in other tiers than the last.</exception>
    /// <exception cref="StorageException">An index cannot be read.</exception>
    public static async ValueTask LeaveAsync(IReadOnlyList<Tier> tiers, TieringOptions options, StoreContext context, IKvDatabase? state, CancellationToken cancellationToken)
    {
        foreach (IKvDatabase database in tiers.Where(TieredBlobStore.HasRows).Select(RowsOf).Concat(state is null ? [] : [state]))
        {
            var index = new PlacementIndex(database, options.Name, context.Clock);
            if ((await index.OpenAsync(cancellationToken).ConfigureAwait(false)).Header is not { Tiers.Count: > 0 } header) continue;
            if (!header.IsWhole || await index.FindOutsideAsync([tiers[^1].Name], cancellationToken).ConfigureAwait(false) is not null)
                throw new ArgumentException($"Blobs of store '{options.Name}' live in tiers above '{tiers[^1].Name}', which would be taken for old copies: leave Containment Exclusive (in the configuration Tiering:Containment), or first move all to '{tiers[^1].Name}'.");
            await index.WriteHeaderAsync(new PlacementHeader(IsWhole: false, []), cancellationToken).ConfigureAwait(false);
        }
    }

    private static Tier[] Homes(IReadOnlyList<Tier> tiers) => [.. tiers.SkipWhile(tier => tier.Store.Capabilities.IsVolatile)];

    private static IKvDatabase RowsOf(Tier tier) => tier.Store.TryGetFacet(out IStateRows? rows) ? rows.Rows : throw new InvalidOperationException($"Tier '{tier.Name}' has no rows.");
}
