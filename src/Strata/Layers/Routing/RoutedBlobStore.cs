using System.Diagnostics.CodeAnalysis;

namespace Strata;

/// <summary>
/// Several stores as one: each takes the keys of its prefix, the longest one wins, and lists go through all of them in key order. So a
/// collection's policy is a mount.
/// </summary>
/// <remarks>
/// <para><b>Commit point:</b> that of the store that a key belongs to, and nothing else: every promise about one key is that store's, its
/// conditions and refusals included. What concerns several keys (deletes of many, copies, lists) is as atomic as stores of their own can be: not.</para>
/// <para>Mounts are fixed while the store is open. What a store holds of keys that belong to another mount is hidden, as what lies under a mount
/// point is. A key that no mount takes is missing, and cannot be written.</para>
/// <para><see cref="Capabilities"/> are what holds for every key: a mount that can more is not held to less (<see cref="IMountTable"/>). Versions are
/// each store's own: they order the writes of a key, never those of different mounts.</para>
/// <para><b>Cost:</b> a few comparisons a call. A hit in memory allocates nothing.</para>
/// </remarks>
public sealed class RoutedBlobStore : IBlobStore, IMountTable
{
    private readonly MountTable _table;
    private readonly RoutingOptions _options;
    private readonly OperationGate _gate;
    private readonly object[] _facets;
    private readonly bool _shares;

    /// <summary>Makes one store of several, which it owns from then on.</summary>
    /// <param name="mounts">One or more, with different prefixes; several may have the same store.</param>
    /// <param name="options">Settings.</param>
    /// <exception cref="ArgumentException">The mounts cannot be composed; the message names the culprit.</exception>
    public RoutedBlobStore(IReadOnlyList<StoreMount> mounts, RoutingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(mounts);
        _options = options ?? new RoutingOptions();
        _options.Check();
        if (mounts.Count == 0) throw new ArgumentException($"Store '{_options.Name}' has no mount; give it one or more.", nameof(mounts));
        foreach (StoreMount mount in mounts) mount.Check();
        if (mounts.GroupBy(m => m.Prefix, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new ArgumentException($"Store '{_options.Name}' has two mounts with the prefix '{twice.Key}'; prefixes must differ.", nameof(mounts));
        _gate = new OperationGate(_options.Name);
        _table = new MountTable([.. mounts.Select(mount => new MountedStore(mount, _options.Name))]);
        _shares = _table.Mounts.Any(mount => mount.Shared is not null);
        _facets = [this, .. RoutedFacets.Of(this, _table)];
        Capabilities = CapabilitiesOf(_options.Name, [.. _table.Mounts.Select(mount => mount.Store.Capabilities)]);
    }

    /// <inheritdoc/>
    public StoreCapabilities Capabilities { get; }

    /// <inheritdoc/>
    public IReadOnlyList<StoreMount> Mounts => [.. _table.Mounts.Select(mount => mount.Mount)];

    /// <inheritdoc/>
    public StoreMount? FindMount(BlobKey key)
    {
        StoreCapabilities.CheckKey(key);
        return _table.Find(key)?.Mount;
    }

    /// <inheritdoc/>
    public async ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "stat", cancellationToken);
        return _table.Find(key) is { } mount ? await mount.CallAsync(store => store.StatAsync(key, cancellationToken)).ConfigureAwait(false) : null;
    }

    /// <inheritdoc/>
    public ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default) =>
        _shares && options is null && !cancellationToken.IsCancellationRequested && TryRead(key, out BlobReadResult? hit) ? new(hit) : ReadSlowAsync(key, options, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        using OperationGate.Pass pass = Enter(key, "write", cancellationToken);
        return await MountOf(key, "write").CallAsync(store => store.WriteAsync(key, content, options, cancellationToken)).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "write", cancellationToken);
        MountedStore mount = MountOf(key, "write");
        return new RoutedBlobWriter(this, mount, await mount.CallAsync(store => store.OpenWriterAsync(key, options, cancellationToken)).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public async ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "delete", cancellationToken);
        if (_table.Find(key) is { } mount) return await mount.CallAsync(store => store.DeleteAsync(key, condition, cancellationToken)).ConfigureAwait(false);
        return new DeleteResult(condition.Holds(null) ? DeleteStatus.Missing : DeleteStatus.PreconditionFailed);
    }

    /// <inheritdoc/>
    public async ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        foreach (BlobKey key in keys) StoreCapabilities.CheckKey(key);
        cancellationToken.ThrowIfCancellationRequested();
        using OperationGate.Pass pass = _gate.Enter("delete");
        var outcomes = new DeleteOutcome[keys.Count];
        var byMount = new Dictionary<MountedStore, List<int>>();
        for (int i = 0; i < keys.Count; i++)
        {
            outcomes[i] = new DeleteOutcome(keys[i], DeleteStatus.Missing);
            if (_table.Find(keys[i]) is not { } mount) continue;
            if (!byMount.TryGetValue(mount, out List<int>? places)) byMount[mount] = places = [];
            places.Add(i);
        }

        // Each to its end: of those that are under way nobody is told who gives up at another's failure.
        await Task.WhenAll(byMount.Select(part => DeleteAsync(part.Key, part.Value, keys, outcomes, cancellationToken))).ConfigureAwait(false);
        return new DeleteManyResult(outcomes);
    }

    /// <inheritdoc/>
    public async ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(changes);
        using OperationGate.Pass pass = Enter(key, "update", cancellationToken);
        return _table.Find(key) is { } mount ? await mount.CallAsync(store => store.UpdateAsync(key, changes, condition, cancellationToken)).ConfigureAwait(false) : WriteResult.Missing;
    }

    /// <inheritdoc/>
    /// <remarks>From one mount to another the payload streams through this process, in bounded memory: what is copied is the source as it was when the copy began.</remarks>
    public async ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default)
    {
        StoreCapabilities.CheckKey(target);
        using OperationGate.Pass pass = Enter(source, "copy", cancellationToken);
        MountedStore to = MountOf(target, "copy");
        if (_table.Find(source) is not { } from) return WriteResult.Missing;
        return from.Store == to.Store
            ? await to.CallAsync(store => store.CopyAsync(source, target, options, cancellationToken)).ConfigureAwait(false)
            : await CopyAcrossAsync(from, source, to, target, options, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        using OperationGate.Pass pass = _gate.Enter("list");
        request.Validate();
        cancellationToken.ThrowIfCancellationRequested();
        return await new RoutedListing(_table, request).PageAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class => (facet = Array.Find(_facets, f => f is T) as T) is not null;

    /// <summary>Waits for what is under way, then disposes the mounted stores.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!await _gate.CloseAsync().ConfigureAwait(false)) return;
        await Owned.DisposeAllAsync(_table.Mounts.Select(mount => mount.Store).Distinct()).ConfigureAwait(false);
    }

    /// <summary>A hit in the memory of the store that the key belongs to.</summary>
    internal bool TryRead(BlobKey key, [NotNullWhen(true)] out BlobReadResult? hit)
    {
        hit = null;
        return !key.IsDefault && _table.Find(key)?.Shared is { } shared && shared.TryRead(key, out hit);
    }

    internal OperationGate.Pass Enter(string operation) => _gate.Enter(operation);

    internal OperationGate.Pass Enter(BlobKey key, string operation, CancellationToken cancellationToken)
    {
        StoreCapabilities.CheckKey(key);
        cancellationToken.ThrowIfCancellationRequested();
        return _gate.Enter(operation);
    }

    /// <summary>The mount of a key that is to be written.</summary>
    /// <exception cref="StorageException">Of kind Unsupported: no mount takes it.</exception>
    internal MountedStore MountOf(BlobKey key, string operation) => _table.Find(key) ?? throw new StorageException(
        StorageErrorKind.Unsupported, $"No mount of store '{_options.Name}' takes the key '{key}'. They take keys that begin with {string.Join(", ", _table.Mounts.Select(m => $"'{m.Prefix}'"))}.")
    {
        Operation = operation, Key = key, Store = _options.Name,
    };

    private async ValueTask<BlobReadResult?> ReadSlowAsync(BlobKey key, ReadOptions? options, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = Enter(key, "read", cancellationToken);
        return _table.Find(key) is { } mount ? await mount.CallAsync(store => store.ReadAsync(key, options, cancellationToken)).ConfigureAwait(false) : null;
    }

    private static async Task DeleteAsync(MountedStore mount, List<int> places, IReadOnlyList<BlobKey> keys, DeleteOutcome[] outcomes, CancellationToken cancellationToken)
    {
        try
        {
            BlobKey[] part = [.. places.Select(place => keys[place])];
            DeleteManyResult result = await mount.CallAsync(store => store.DeleteManyAsync(part, cancellationToken)).ConfigureAwait(false);
            for (int i = 0; i < places.Count; i++)
            {
                DeleteOutcome outcome = result.Outcomes[i];
                outcomes[places[i]] = outcome.Error is { } error ? outcome with { Error = mount.Named(error) } : outcome;
            }
        }
        catch (StorageException e)
        {
            foreach (int place in places) outcomes[place] = new DeleteOutcome(keys[place], DeleteStatus.Failed, e);
        }
    }

    private static async ValueTask<WriteResult> CopyAcrossAsync(MountedStore from, BlobKey source, MountedStore to, BlobKey target, CopyOptions? options, CancellationToken cancellationToken)
    {
        WriteCondition condition = options?.SourceCondition ?? default;
        from.Store.Capabilities.Check(source, condition, "copy");
        to.Store.Capabilities.Check(target, options?.Condition ?? default, "copy");
        if (options?.Replace is { } changes) BlobLimits.Check(changes);
        BlobReadResult? read = await from.CallAsync(store => store.ReadAsync(source, null, cancellationToken)).ConfigureAwait(false);
        if (read is null) return WriteResult.Missing;
        await using (read.ConfigureAwait(false))
        {
            // Of what was read, which is one write from its first byte to its last.
            if (!condition.Holds(read.Info)) return WriteResult.PreconditionFailed(read.Info);
            return await to.CallAsync(store => store.WriteAsync(target, BlobContent.From(read), NewBlob.CopyOf(read.Info, options), cancellationToken)).ConfigureAwait(false);
        }
    }

    /// <summary>What holds for every key; the longest blob is that of the store that takes the longest, as each refuses by itself what it does not take.</summary>
    private static StoreCapabilities CapabilitiesOf(string name, IReadOnlyList<StoreCapabilities> mounts) => new()
    {
        Store = name,
        Conditions = mounts.Aggregate(WriteConditionKind.All, (all, mount) => all & mount.Conditions),
        IsVolatile = mounts.Any(mount => mount.IsVolatile),
        IsSingleWriter = mounts.All(mount => mount.IsSingleWriter),
        Expiry = mounts.All(mount => mount.Expiry),
        MultipartUploads = mounts.Any(mount => mount.MultipartUploads),
        MaxBlobLength = mounts.Max(mount => mount.MaxBlobLength),
        Tiers = mounts.All(mount => mount.Tiers.SequenceEqual(mounts[0].Tiers)) ? mounts[0].Tiers : [],
    };
}
