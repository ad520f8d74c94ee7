using System.Buffers;
using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>
/// Typed keys and values over an ordered KV database: tuples as keys, values by codec and of up to 64 MiB. All that Deno KV
/// does, and on the same data.
/// </summary>
/// <remarks>
/// <para>Reads, watches and lists of one batch see one instant; writes are atomic. A value that is longer than the database
/// takes is split, in the same atomic write, and read as a whole; Deno sees its manifest (docs/formats/kv-large-values.md).
/// A reader has all of one version of it.</para>
/// <para>Keys that begin with the byte FF are Strata's own. Safe for any number of callers at once. The database is its
/// opener's to close.</para>
/// </remarks>
public sealed class Kv
{
    private readonly KvLargeValues _large;
    private readonly KvCommitter _committer;
    private readonly KvOptions _options;

    /// <summary>A model over a database.</summary>
    /// <param name="database">The database.</param>
    /// <param name="options">Null: the default ones.</param>
    public Kv(IKvDatabase database, KvOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(database);
        _options = options ?? new KvOptions();
        if (_options.MaxValueBytes is < 1 or > KvLargeValues.MaxBytes) throw new ArgumentException($"KvOptions.MaxValueBytes is 1 to {KvLargeValues.MaxBytes}, not {_options.MaxValueBytes}.", nameof(options));
        Database = database;
        _large = new KvLargeValues(database);
        _committer = new KvCommitter(database);
    }

    /// <summary>The database under it.</summary>
    public IKvDatabase Database { get; }

    private KvLimits Limits => Database.Capabilities.Limits;

    /// <summary>Reads an entry.</summary>
    /// <param name="key">The key.</param>
    /// <param name="consistency">Which state may be read.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Null: there is none.</returns>
    /// <exception cref="ArgumentException">There is no codec for the type, or the key is reserved or too long.</exception>
    /// <exception cref="StorageException">The database cannot be read, or the value is of another type.</exception>
    public async ValueTask<KvEntry<T>?> GetAsync<T>(KvKey key, KvConsistency consistency = KvConsistency.Strong, CancellationToken cancellationToken = default)
    {
        IKvCodec<T> codec = _options.Codecs.Find<T>();
        SnapshotReadOptions? how = HowToRead(consistency);
        IReadOnlyList<KvRange> read = await Database.SnapshotReadAsync([ReadRange.Of(KvReserved.Check(key, nameof(key)))], how, cancellationToken).ConfigureAwait(false);
        if (read[0].Entries.Count == 0) return null;

        // Nearly always whole; a large one that was replaced while it was read is read again.
        return await DecodeAsync(read[0].Entries[0], codec, how, cancellationToken).ConfigureAwait(false)
            ?? (await GetManyAsync<T>([key], KvConsistency.Strong, cancellationToken).ConfigureAwait(false))[0];
    }

    /// <summary>Reads entries, all of them as they are at one instant.</summary>
    /// <param name="keys">As many as the database takes (<see cref="KvLimits.MaxRanges"/>).</param>
    /// <param name="consistency">Which state may be read.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>In the order of the keys; null where there is none.</returns>
    /// <exception cref="ArgumentException">There is no codec for the type, there are too many keys, or one is reserved or too long.</exception>
    /// <exception cref="StorageException">The database cannot be read, or a value is of another type.</exception>
    public async ValueTask<IReadOnlyList<KvEntry<T>?>> GetManyAsync<T>(IReadOnlyList<KvKey> keys, KvConsistency consistency = KvConsistency.Strong, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        IKvCodec<T> codec = _options.Codecs.Find<T>();
        ReadRange[] ranges = [.. keys.Select(key => ReadRange.Of(KvReserved.Check(key, nameof(keys))))];
        if (ranges.Length == 0) return [];
        Versionstamp[] incomplete = new Versionstamp[ranges.Length];
        for (int attempt = 0; attempt < KvLargeValues.MaxAttempts; attempt++)
        {
            // What was replaced while it was read is there at once, but not yet everywhere.
            SnapshotReadOptions? how = HowToRead(attempt == 0 ? consistency : KvConsistency.Strong);
            IReadOnlyList<KvRange> read = await Database.SnapshotReadAsync(ranges, how, cancellationToken).ConfigureAwait(false);
            var entries = new KvEntry<T>?[ranges.Length];
            bool isWhole = true;
            for (int i = 0; i < entries.Length && isWhole; i++)
            {
                if (read[i].Entries.Count == 0) continue;
                KvEntry raw = read[i].Entries[0];
                entries[i] = await DecodeAsync(raw, codec, how, cancellationToken).ConfigureAwait(false);
                isWhole = entries[i] is not null;
                if (isWhole) continue;
                if (attempt > 0 && incomplete[i] == raw.Versionstamp) throw Unreadable<T>(raw.Key, new FormatException("chunks of the large value are missing"));
                incomplete[i] = raw.Versionstamp;
            }

            if (isWhole) return entries;
        }

        throw new StorageException(StorageErrorKind.Changed, $"Large values of database '{Database.Capabilities.Database}' were replaced all the time while they were read.")
        {
            IsTransient = true, Operation = "read", Store = Database.Capabilities.Database,
        };
    }

    /// <summary>Lists entries in the order of their keys, batch by batch.</summary>
    /// <param name="selector">Which keys.</param>
    /// <param name="options">Null: all, from the first on.</param>
    /// <param name="cancellationToken">Ends the list.</param>
    /// <remarks>A large value that is replaced while the list is under way is listed as it is then.</remarks>
    /// <exception cref="ArgumentException">There is no codec for the type, or the options are wrong: a bad cursor, a limit below 1.</exception>
    /// <exception cref="StorageException">The database cannot be read, or a value is of another type.</exception>
    public IAsyncEnumerable<KvEntry<T>> ListAsync<T>(KvSelector selector, KvListOptions? options = null, CancellationToken cancellationToken = default)
    {
        IKvCodec<T> codec = _options.Codecs.Find<T>();
        return ListAsync(ScanAsync(selector, options, keysOnly: false, cancellationToken), codec, HowToRead(options?.Consistency ?? default), cancellationToken);
    }

    /// <summary>Lists keys in their order, without reading the values.</summary>
    /// <inheritdoc cref="ListAsync{T}(KvSelector, KvListOptions?, CancellationToken)"/>
    public IAsyncEnumerable<KvKey> ListKeysAsync(KvSelector selector, KvListOptions? options = null, CancellationToken cancellationToken = default)
    {
        return Keys(ScanAsync(selector, options, keysOnly: true, cancellationToken));

        static async IAsyncEnumerable<KvKey> Keys(IAsyncEnumerable<KvEntry> entries)
        {
            await foreach (KvEntry entry in entries.ConfigureAwait(false)) yield return KvKey.OfEncoded(entry.Key);
        }
    }

    /// <summary>Counts entries. Reads all their keys, batch by batch: what changes meanwhile may count or not.</summary>
    public async ValueTask<long> CountAsync(KvSelector selector, CancellationToken cancellationToken = default)
    {
        long count = 0;
        await foreach (KvEntry _ in ScanAsync(selector, new KvListOptions { BatchSize = Limits.MaxEntries }, keysOnly: true, cancellationToken).ConfigureAwait(false)) count++;
        return count;
    }

    /// <summary>Sets a value.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">Up to <see cref="KvOptions.MaxValueBytes"/>, and what the database takes in one write.</param>
    /// <param name="expiresIn">From now; more than zero. Null: never.</param>
    /// <param name="cancellationToken">Ignored once the commit is dispatched.</param>
    /// <returns>The versionstamp of the commit.</returns>
    /// <exception cref="ArgumentException">There is no codec for the type, or key or value are too long.</exception>
    /// <exception cref="StorageException">Its <see cref="StorageException.Outcome"/> says whether it may have been applied.</exception>
    public async ValueTask<Versionstamp> SetAsync<T>(KvKey key, T value, TimeSpan? expiresIn = null, CancellationToken cancellationToken = default) =>
        (await Atomic().Set(key, value, expiresIn).CommitAsync(cancellationToken).ConfigureAwait(false)).Versionstamp;

    /// <summary>Sets a value that is invisible from a time on.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">Up to <see cref="KvOptions.MaxValueBytes"/>, and what the database takes in one write.</param>
    /// <param name="expires">To the millisecond.</param>
    /// <param name="cancellationToken">Ignored once the commit is dispatched.</param>
    /// <returns>The versionstamp of the commit.</returns>
    /// <exception cref="ArgumentException">There is no codec for the type, or key or value are too long.</exception>
    /// <exception cref="StorageException">Its <see cref="StorageException.Outcome"/> says whether it may have been applied.</exception>
    public async ValueTask<Versionstamp> SetAsync<T>(KvKey key, T value, DateTimeOffset expires, CancellationToken cancellationToken = default) =>
        (await Atomic().Set(key, value, expires).CommitAsync(cancellationToken).ConfigureAwait(false)).Versionstamp;

    /// <summary>Removes an entry, if there is one.</summary>
    /// <returns>The versionstamp of the commit.</returns>
    /// <exception cref="ArgumentException">There is no codec for the type, or key or value are too long.</exception>
    /// <exception cref="StorageException">Its <see cref="StorageException.Outcome"/> says whether it may have been applied.</exception>
    public async ValueTask<Versionstamp> DeleteAsync(KvKey key, CancellationToken cancellationToken = default) =>
        (await Atomic().Delete(key).CommitAsync(cancellationToken).ConfigureAwait(false)).Versionstamp;

    /// <summary>Removes all entries that are selected, batch by batch: not atomic, and safe to be called again after a failure.</summary>
    /// <param name="selector">Which keys. What is added meanwhile may be removed or not.</param>
    /// <param name="progress">Told after each batch how many were removed so far. Null: nobody.</param>
    /// <param name="cancellationToken">Ends it after a batch.</param>
    /// <returns>How many were removed.</returns>
    /// <exception cref="StorageException">The database fails; what was removed by then is.</exception>
    public async ValueTask<long> DeleteRangeAsync(KvSelector selector, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(selector);
        long removed = 0;
        int most = Math.Min(500, Math.Min(Limits.MaxEntries, Limits.MaxMutations));
        ReadOnlyMemory<byte> start = selector.Start;
        while (true)
        {
            IReadOnlyList<KvRange> read = await Database.SnapshotReadAsync([new ReadRange(start, selector.End, most, KeysOnly: true)], null, cancellationToken).ConfigureAwait(false);
            IReadOnlyList<KvEntry> entries = read[0].Entries;
            if (entries.Count == 0) return removed;
            for (int from = 0; from < entries.Count;)
            {
                from += await DeleteSomeAsync([.. entries.Skip(from)], cancellationToken).ConfigureAwait(false);
                progress?.Report(removed + from);
            }

            removed += entries.Count;
            if (entries.Count < most) return removed;
            start = KeyAfter(entries[^1].Key);
        }
    }

    /// <summary>Begins an atomic write.</summary>
    public KvAtomic Atomic() => new(this);

    /// <summary>Watches an entry: its state at once, and again after changes of any kind, expiry among them. Changes that come quickly are told as one.</summary>
    /// <param name="key">The key.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    /// <returns>The entry; null while there is none.</returns>
    /// <exception cref="ArgumentException">There is no codec for the type, or the key is reserved or too long.</exception>
    /// <exception cref="StorageException">The database cannot be read, or was closed; or the value is of another type.</exception>
    public IAsyncEnumerable<KvEntry<T>?> WatchAsync<T>(KvKey key, CancellationToken cancellationToken = default)
    {
        return First(WatchAsync<T>([key], cancellationToken));

        static async IAsyncEnumerable<KvEntry<T>?> First(IAsyncEnumerable<IReadOnlyList<KvEntry<T>?>> updates)
        {
            await foreach (IReadOnlyList<KvEntry<T>?> update in updates.ConfigureAwait(false)) yield return update[0];
        }
    }

    /// <summary>Watches entries: the state of all of them at one instant, at once, and again after changes of any kind. Changes that come quickly are told as one.</summary>
    /// <param name="keys">As many as the database takes (<see cref="KvLimits.MaxWatchedKeys"/>).</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    /// <returns>In the order of the keys; null where there is none.</returns>
    /// <exception cref="ArgumentException">There is no codec for the type, there are too many keys, or one is reserved or too long.</exception>
    /// <exception cref="StorageException">The database cannot be read, or was closed; or a value is of another type.</exception>
    public IAsyncEnumerable<IReadOnlyList<KvEntry<T>?>> WatchAsync<T>(IReadOnlyList<KvKey> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        IKvCodec<T> codec = _options.Codecs.Find<T>();
        return WatchAsync(keys, Database.WatchAsync([.. keys.Select(key => KvReserved.Check(key, nameof(keys)))], cancellationToken), codec, cancellationToken);
    }

    /// <summary>
    /// Removes the chunks of large values that were overwritten or deleted by others than this model, such as Deno over KV
    /// Connect. To be called now and then where there are such writers; it costs a read of each large value's record.
    /// </summary>
    /// <returns>How many values' chunks were removed.</returns>
    public ValueTask<long> ReclaimAsync(CancellationToken cancellationToken = default) => _large.ReclaimAsync(cancellationToken);

    internal KvValue Encode<T>(T value)
    {
        IKvCodec<T> codec = _options.Codecs.Find<T>();
        var buffer = new ArrayBufferWriter<byte>();
        codec.Write(value, buffer);
        return buffer.WrittenCount <= _options.MaxValueBytes
            ? new KvValue(buffer.WrittenMemory, codec.Encoding)
            : throw new ArgumentException($"A value has at most {_options.MaxValueBytes} bytes (KvOptions.MaxValueBytes), not {buffer.WrittenCount}.", nameof(value));
    }

    internal DateTimeOffset? ExpiryIn(TimeSpan? expiresIn)
    {
        if (expiresIn is not { } time) return null;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(time, TimeSpan.Zero, nameof(expiresIn));
        return _options.Clock.GetUtcNow() + time;
    }

    internal ValueTask<CommitResult> CommitAsync(IReadOnlyList<KvCheck> checks, IReadOnlyList<KvMutation> mutations, CancellationToken cancellationToken) =>
        _committer.CommitAsync(checks, mutations, cancellationToken);

    private static SnapshotReadOptions? HowToRead(KvConsistency consistency) => consistency == KvConsistency.Strong ? null : new SnapshotReadOptions { Consistency = consistency };

    private static ReadOnlyMemory<byte> KeyAfter(ReadOnlyMemory<byte> key) => (byte[])[.. key.Span, 0];

    /// <summary>As many as the database takes in one write: where there are large values, their chunks go too.</summary>
    private async ValueTask<int> DeleteSomeAsync(IReadOnlyList<KvEntry> entries, CancellationToken cancellationToken)
    {
        // Half of the room for keys is the checks'.
        int count = 0;
        for (long bytes = 0; count < entries.Count && (count == 0 || bytes + entries[count].Key.Length <= Limits.MaxWriteKeyBytes / 2); count++) bytes += entries[count].Key.Length;
        while (true)
        {
            try
            {
                KvMutation[] deletes = [.. entries.Take(count).Select(e => KvMutation.Delete(e.Key))];
                await CommitAsync([], deletes, cancellationToken).ConfigureAwait(false);
                return count;
            }
            catch (ArgumentException) when (count > 1)
            {
                count /= 2;
            }
        }
    }

    private IAsyncEnumerable<KvEntry> ScanAsync(KvSelector selector, KvListOptions? options, bool keysOnly, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(selector);
        options ??= new KvListOptions { BatchSize = Math.Min(100, Limits.MaxEntries) };
        if (options.Limit < 1) throw new ArgumentException($"The limit of a list is 1 or more, not {options.Limit}.", nameof(options));
        if (options.BatchSize < 1 || options.BatchSize > Limits.MaxEntries) throw new ArgumentException($"The batch size of a list is 1 to {Limits.MaxEntries}, not {options.BatchSize}.", nameof(options));
        (ReadOnlyMemory<byte> start, ReadOnlyMemory<byte> end) = selector.After(options.Cursor, options.Reverse, Limits.MaxKeyBytes);
        return ScanAsync(start, end, options, keysOnly, cancellationToken);
    }

    private async IAsyncEnumerable<KvEntry> ScanAsync(ReadOnlyMemory<byte> start, ReadOnlyMemory<byte> end, KvListOptions options, bool keysOnly, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long left = options.Limit ?? long.MaxValue;
        while (true)
        {
            int asked = (int)Math.Min(left, options.BatchSize);
            var range = new ReadRange(start, end, asked, options.Reverse, keysOnly);
            IReadOnlyList<KvRange> read = await Database.SnapshotReadAsync([range], HowToRead(options.Consistency), cancellationToken).ConfigureAwait(false);
            IReadOnlyList<KvEntry> entries = read[0].Entries;
            foreach (KvEntry entry in entries) yield return entry;
            left -= entries.Count;
            if (entries.Count < asked || left == 0) yield break;
            if (options.Reverse) end = entries[^1].Key;
            else start = KeyAfter(entries[^1].Key);
        }
    }

    private async IAsyncEnumerable<KvEntry<T>> ListAsync<T>(IAsyncEnumerable<KvEntry> entries, IKvCodec<T> codec, SnapshotReadOptions? how, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (KvEntry raw in entries.ConfigureAwait(false))
        {
            KvEntry<T>? entry = await DecodeAsync(raw, codec, how, cancellationToken).ConfigureAwait(false)
                ?? await GetAsync<T>(KvKey.OfEncoded(raw.Key), KvConsistency.Strong, cancellationToken).ConfigureAwait(false);
            if (entry is not null) yield return entry;
        }
    }

    private async IAsyncEnumerable<IReadOnlyList<KvEntry<T>?>> WatchAsync<T>(IReadOnlyList<KvKey> keys, IAsyncEnumerable<WatchUpdate> updates, IKvCodec<T> codec, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // No values: nobody keeps them for a watch that waits.
        Versionstamp?[]? told = null;
        await foreach (WatchUpdate update in updates.ConfigureAwait(false))
        {
            IReadOnlyList<KvEntry<T>?> entries = await DecodeAsync(keys, update, codec, cancellationToken).ConfigureAwait(false);

            // What was read again for a large value may be what the next update tells.
            Versionstamp?[] found = [.. entries.Select(e => e?.Versionstamp)];
            if (told is not null && told.SequenceEqual(found)) continue;
            told = found;
            yield return entries;
        }
    }

    private async ValueTask<IReadOnlyList<KvEntry<T>?>> DecodeAsync<T>(IReadOnlyList<KvKey> keys, WatchUpdate update, IKvCodec<T> codec, CancellationToken cancellationToken)
    {
        var entries = new KvEntry<T>?[keys.Count];
        for (int i = 0; i < entries.Length; i++)
        {
            if (update.Entries[i] is not { } raw) continue;
            entries[i] = await DecodeAsync(raw, codec, null, cancellationToken).ConfigureAwait(false);
            if (entries[i] is null) return await ReadAgainAsync<T>(keys, cancellationToken).ConfigureAwait(false);
        }

        return entries;
    }

    /// <summary>A watch may have more keys than a read.</summary>
    private async ValueTask<IReadOnlyList<KvEntry<T>?>> ReadAgainAsync<T>(IReadOnlyList<KvKey> keys, CancellationToken cancellationToken)
    {
        List<KvEntry<T>?> entries = [];
        foreach (KvKey[] some in keys.Chunk(Limits.MaxRanges)) entries.AddRange(await GetManyAsync<T>(some, KvConsistency.Strong, cancellationToken).ConfigureAwait(false));
        return entries;
    }

    /// <returns>Null: it is a large value that was replaced, or has expired.</returns>
    private async ValueTask<KvEntry<T>?> DecodeAsync<T>(KvEntry raw, IKvCodec<T> codec, SnapshotReadOptions? how, CancellationToken cancellationToken)
    {
        try
        {
            var (encoding, bytes) = (raw.Value.Encoding, new ReadOnlySequence<byte>(raw.Value.Data));
            if (KvManifest.Read(raw.Value) is { } manifest)
            {
                if (await _large.ReadAsync(manifest, how, cancellationToken).ConfigureAwait(false) is not { } whole) return null;
                (encoding, bytes) = (manifest.Encoding, whole);
            }

            return new KvEntry<T>(KvKey.OfEncoded(raw.Key), codec.Read(encoding, bytes), raw.Versionstamp, raw.Expires);
        }
        catch (FormatException e)
        {
            throw Unreadable<T>(raw.Key, e);
        }
    }

    private StorageException Unreadable<T>(ReadOnlyMemory<byte> key, FormatException e) =>
        new(StorageErrorKind.Corrupt, $"The value of {KvKey.OfEncoded(key)} in database '{Database.Capabilities.Database}' cannot be read as {typeof(T).Name}: {e.Message}.", e)
        {
            Operation = "read", Store = Database.Capabilities.Database,
        };
}
