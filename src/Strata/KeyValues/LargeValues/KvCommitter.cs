namespace Strata;

/// <summary>
/// Commits atomic writes of any value size. A value that is too long goes into chunks, and the chunks of a value that is
/// replaced or deleted go, both in the same atomic write.
/// </summary>
/// <remarks>
/// <para>Beside each key with chunks stands its owner's record. A write looks up the records of the keys that it sets or
/// deletes, and checks that they are still the same; if not, it begins again.</para>
/// <para>A database without large values costs no read: every commit that splits a value also writes a marker, and where
/// there was none, that there still is none is the one check that is added.</para>
/// </remarks>
internal sealed class KvCommitter(IKvDatabase database)
{
    private enum Chunks
    {
        /// <summary>Not looked up yet, or another writer wrote the first ones.</summary>
        Unknown,

        /// <summary>There were none when it was looked up; every write checks it.</summary>
        None,

        /// <summary>There may be some.</summary>
        Some,
    }

    private volatile Chunks _chunks;

    private KvLimits Limits => database.Capabilities.Limits;

    /// <summary>Commits.</summary>
    /// <param name="checks">The caller's.</param>
    /// <param name="mutations">With values of any length.</param>
    /// <param name="cancellationToken">Ends the wait, until a commit is dispatched.</param>
    public async ValueTask<CommitResult> CommitAsync(IReadOnlyList<KvCheck> checks, IReadOnlyList<KvMutation> mutations, CancellationToken cancellationToken)
    {
        var plan = new KvWritePlan(mutations, Limits, database.Capabilities.Database);
        if (!plan.NeedsOwners) return await database.AtomicWriteAsync(new AtomicWrite { Checks = checks, Mutations = mutations }, cancellationToken).ConfigureAwait(false);
        for (int attempt = 0; attempt < KvLargeValues.MaxAttempts; attempt++)
        {
            Owners owners = await FindOwnersAsync(plan, checks.Count, cancellationToken).ConfigureAwait(false);
            AtomicWrite write = plan.Write([.. checks, .. owners.Checks], owners.Manifests);
            CommitResult result = await database.AtomicWriteAsync(write, cancellationToken).ConfigureAwait(false);
            if (result.IsCommitted)
            {
                if (plan.Splits) _chunks = Chunks.Some;
                return result;
            }

            if (await CallersFailedAsync(result, checks.Count, owners, cancellationToken).ConfigureAwait(false)) return CommitResult.CheckFailed([.. result.FailedChecks.Where(i => i < checks.Count)]);
            if (_chunks == Chunks.None) _chunks = Chunks.Unknown;
        }

        throw new StorageException(StorageErrorKind.Changed, $"Others wrote large values to the same keys of database '{database.Capabilities.Database}' all the time; nothing was written.")
        {
            IsTransient = true, Operation = "commit", Store = database.Capabilities.Database,
        };
    }

    private async ValueTask<Owners> FindOwnersAsync(KvWritePlan plan, int callersChecks, CancellationToken cancellationToken)
    {
        if (callersChecks >= Limits.MaxChecks) throw new ArgumentException($"A write that sets or deletes takes at most {Limits.MaxChecks - 1} checks, not {callersChecks}: one of the {Limits.MaxChecks} of database '{database.Capabilities.Database}' is the model's own.", nameof(callersChecks));
        Versionstamp marker = Versionstamp.None;
        if (_chunks != Chunks.None)
        {
            marker = (await ReadAsync([ReadRange.Of(KvManifest.MarkerKey)], cancellationToken).ConfigureAwait(false))[0]?.Versionstamp ?? Versionstamp.None;
            _chunks = marker.IsKnown ? Chunks.Some : Chunks.None;
        }

        var markerCheck = new KvCheck(KvManifest.MarkerKey, marker);
        if (!marker.IsKnown) return new Owners([markerCheck], []);
        List<KvCheck> checks = [];
        List<KeyValuePair<ReadOnlyMemory<byte>, KvManifest>> manifests = [];
        foreach (ReadOnlyMemory<byte>[] keys in plan.Replaced.Where(key => KvManifest.OwnerKey(key).Length <= Limits.MaxKeyBytes).Chunk(Limits.MaxRanges))
        {
            IReadOnlyList<KvEntry?> found = await ReadAsync([.. keys.Select(key => ReadRange.Of(KvManifest.OwnerKey(key)))], cancellationToken).ConfigureAwait(false);
            for (int i = 0; i < keys.Length; i++)
            {
                checks.Add(new KvCheck(KvManifest.OwnerKey(keys[i]), found[i]?.Versionstamp ?? Versionstamp.None));
                if (found[i] is { } owner) manifests.Add(new(keys[i], ManifestOf(owner)));
            }
        }

        // Too many to be checked one by one: then no large value at all may have been written since.
        return new Owners(callersChecks + checks.Count <= Limits.MaxChecks ? checks : [markerCheck], manifests);
    }

    private KvManifest ManifestOf(KvEntry owner)
    {
        try
        {
            return KvManifest.Read(owner.Value) ?? throw new FormatException("it is no manifest");
        }
        catch (FormatException e)
        {
            KvKey key = KvKey.OfEncoded(KvManifest.KeyOfOwner(owner.Key));
            throw new StorageException(StorageErrorKind.Corrupt, $"The record of the chunks of {key} in database '{database.Capabilities.Database}' is damaged: {e.Message}.", e) { Operation = "commit", Store = database.Capabilities.Database };
        }
    }

    /// <summary>Whether a check of the caller's failed; else it was one of the model's.</summary>
    private async ValueTask<bool> CallersFailedAsync(CommitResult result, int callersChecks, Owners owners, CancellationToken cancellationToken)
    {
        if (result.FailedChecks.Count > 0) return result.FailedChecks.Any(i => i < callersChecks);
        if (callersChecks == 0) return false;

        // The database does not tell which. What has not changed has not failed.
        foreach (KvCheck[] checks in owners.Checks.Chunk(Limits.MaxRanges))
        {
            IReadOnlyList<KvEntry?> found = await ReadAsync([.. checks.Select(c => ReadRange.Of(c.Key))], cancellationToken).ConfigureAwait(false);
            for (int i = 0; i < checks.Length; i++)
            {
                if ((found[i]?.Versionstamp ?? Versionstamp.None) != checks[i].Versionstamp) return false;
            }
        }

        return true;
    }

    private async ValueTask<IReadOnlyList<KvEntry?>> ReadAsync(ReadRange[] keys, CancellationToken cancellationToken)
    {
        IReadOnlyList<KvRange> read = await database.SnapshotReadAsync(keys, null, cancellationToken).ConfigureAwait(false);
        return [.. read.Select(r => r.Entries.Count == 0 ? null : r.Entries[0])];
    }

    /// <summary>Which keys have chunks, and what must still hold for that.</summary>
    private sealed record Owners(IReadOnlyList<KvCheck> Checks, IReadOnlyList<KeyValuePair<ReadOnlyMemory<byte>, KvManifest>> Manifests);
}
