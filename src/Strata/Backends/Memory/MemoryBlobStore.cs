using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Strata;

/// <summary>
/// Blobs in memory, bounded in bytes. Strict (the default) it refuses writes when full; as a cache it evicts.
/// </summary>
/// <remarks>
/// <para><b>Commit point:</b> the index, under the store's write lock. Nothing outlives the process.</para>
/// <para>A hit through <see cref="TryRead"/> takes no lock, allocates nothing, and reads the clock only where an expiry is set.</para>
/// <para>Eviction is second chance (CLOCK; Corbató, 1968): blobs in order of arrival, one that was read since the hand last passed goes round again.</para>
/// </remarks>
public sealed class MemoryBlobStore : IBlobStore, ISharedReads, IStoreStatistics, IEvictionSource
{
    private const int SweepAtWrite = 8;
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(1);
    private readonly MemoryBlobStoreOptions _options;
    private readonly long _maxBlobBytes;
    private readonly TimeProvider _clock;
    private readonly VersionClock _versions;
    private readonly OrderedIndex<MemoryBlob> _index = new();
    private readonly Tombstones _tombstones;
    private readonly ExpiryQueue<MemoryBlob> _expiries = new();
    private readonly LinkedList<MemoryBlob> _arrivals = new();
    private readonly MemoryUploads? _uploads;
    private readonly ITimer _sweeper;
    private readonly Lock _writes = new();
    private long _bytes;
    private long _evictions;
    private long _expirations;
    private volatile bool _closed;

    /// <summary>Opens an empty store.</summary>
    /// <exception cref="ArgumentException">A setting is out of range.</exception>
    public MemoryBlobStore(MemoryBlobStoreOptions? options = null, StoreContext? context = null)
    {
        _options = options ?? new MemoryBlobStoreOptions();
        if (_options.MaxBytes < 64 << 10) throw new ArgumentException($"MaxBytes must be 64 KiB or more; it is {_options.MaxBytes}.", nameof(options));
        if (_options.MaxBlobBytes is < 0) throw new ArgumentException("MaxBlobBytes may not be negative.", nameof(options));
        if (_options.UploadExpiry <= TimeSpan.Zero) throw new ArgumentException("UploadExpiry must be more than 0.", nameof(options));
        long share = _options.Evicts ? _options.MaxBytes / 8 : _options.MaxBytes;
        _maxBlobBytes = Math.Min(Math.Min(_options.MaxBlobBytes ?? share, _options.MaxBytes), Array.MaxLength);
        _clock = (context ?? StoreContext.Default).Clock;
        _versions = new VersionClock(_clock);
        _tombstones = new Tombstones(_clock);
        _uploads = _options.Evicts ? null : new MemoryUploads(this, _clock, _options.UploadExpiry);
        Capabilities = new StoreCapabilities
        {
            Store = _options.Name, IsVolatile = _options.Evicts, MaxBlobLength = _maxBlobBytes, MultipartUploads = _uploads is not null,
        };
        _sweeper = _clock.CreateTimer(static store => ((MemoryBlobStore)store!).SweepAll(), this, SweepEvery, SweepEvery);
    }

    /// <inheritdoc/>
    public event Action<BlobKey, long>? Evicted;

    /// <inheritdoc/>
    public StoreCapabilities Capabilities { get; }

    /// <inheritdoc/>
    public bool TryRead(BlobKey key, [NotNullWhen(true)] out BlobReadResult? hit)
    {
        if (_index.TryGet(key, out MemoryBlob? blob) && blob.IsVisible(_clock))
        {
            if (!blob.Visited) blob.Visited = true;
            hit = blob;
            return true;
        }

        hit = null;
        return false;
    }

    /// <inheritdoc/>
    public ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        Enter(key, "stat");
        return cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<BlobInfo?>(cancellationToken) : new(Visible(key)?.Info);
    }

    /// <inheritdoc/>
    public ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        Enter(key, "read");
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<BlobReadResult?>(cancellationToken);
        if (!TryRead(key, out BlobReadResult? hit)) return default;
        return new(options is null ? hit : Apply(options, (MemoryBlob)hit));
    }

    /// <inheritdoc/>
    public async ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        Enter(key, "write");
        Capabilities.Check(key, options, "write");
        cancellationToken.ThrowIfCancellationRequested();
        if (content.Length > _maxBlobBytes) throw TooLarge(key, _maxBlobBytes);
        if (content.TryGetSequence(out ReadOnlySequence<byte> bytes)) return Commit(key, bytes.ToArray(), options, null, content.Length);

        var writer = new MemoryBlobWriter(this, key, options, Math.Min(content.Length ?? _maxBlobBytes, _maxBlobBytes));
        Stream stream = content.OpenStream();
        await using (stream.ConfigureAwait(false))
        {
            try
            {
                await writer.WriteFromAsync(stream, cancellationToken).ConfigureAwait(false);
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.TooLarge && content.Length is { } declared)
            {
                throw StorageException.WrongLength("write", key, _options.Name, declared, "more");
            }
        }

        if (content.Length is { } length && length != writer.Length) throw StorageException.WrongLength("write", key, _options.Name, length, $"{writer.Length}");
        return await writer.CommitAsync(null, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        Enter(key, "write");
        Capabilities.Check(key, options, "write");
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<IBlobWriter>(cancellationToken);
        return new(new MemoryBlobWriter(this, key, options, _maxBlobBytes));
    }

    /// <inheritdoc/>
    public ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        Enter(key, "delete");
        Capabilities.Check(key, condition, "delete");
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<DeleteResult>(cancellationToken);
        lock (_writes)
        {
            MemoryBlob? stored = _index.Get(key);
            BlobInfo? current = Visible(key)?.Info;
            if (!condition.Holds(current, Floor(key, stored, current))) return new(new DeleteResult(DeleteStatus.PreconditionFailed));
            BlobVersion version = condition.Kind == WriteConditionKind.IfOlder ? condition.Version : _versions.Next(stored?.Info.Version ?? default);
            if (stored is not null) Remove(stored);
            if (current is null && condition.Kind != WriteConditionKind.IfOlder)
            {
                // What has expired keeps older copies out, as it would have had nobody deleted it.
                if (stored is not null) _tombstones.Set(key, stored.Info.Version);
                return new(new DeleteResult(DeleteStatus.Missing));
            }

            _tombstones.Set(key, version);
            return new(new DeleteResult(current is null ? DeleteStatus.Missing : DeleteStatus.Deleted, version));
        }
    }

    /// <inheritdoc/>
    public ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default) =>
        BulkDelete.OneByOneAsync(this, keys, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(changes);
        Enter(key, "update");
        Capabilities.Check(key, condition, "update");
        BlobLimits.Check(changes);
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<WriteResult>(cancellationToken);
        lock (_writes)
        {
            if (Visible(key) is not { } blob) return new(WriteResult.Missing);
            if (!condition.Holds(blob.Info)) return new(WriteResult.PreconditionFailed(blob.Info));
            BlobInfo info = NewBlob.Update(blob.Info, changes, _versions.Next(blob.Info.Version), _clock.GetUtcNow());
            return new(Store(blob.With(info), blob));
        }
    }

    /// <inheritdoc/>
    public ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default)
    {
        Enter(source, "copy");
        Capabilities.Check(source, options?.SourceCondition ?? default, "copy");
        Capabilities.Check(target, options?.Condition ?? default, "copy");
        if (options?.Replace is { } changes) BlobLimits.Check(changes);
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<WriteResult>(cancellationToken);
        if (Visible(source) is not { } blob) return new(WriteResult.Missing);
        if (options?.SourceCondition.Holds(blob.Info) == false) return new(WriteResult.PreconditionFailed(blob.Info));
        return new(Commit(target, blob, NewBlob.CopyOf(blob.Info, options)));
    }

    /// <inheritdoc/>
    public ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ThrowIfClosed("list");
        request.Validate();
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<ListPage>(cancellationToken);
        return new(_index.List(request, blob => blob.IsVisible(_clock) ? blob.Info : null));
    }

    /// <inheritdoc/>
    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class => (facet = this as T ?? _uploads as T) is not null;

    /// <inheritdoc/>
    public StoreStatistics GetStatistics() => new()
    {
        Blobs = _index.Count,
        Bytes = Interlocked.Read(ref _bytes),
        MaxBytes = _options.MaxBytes,
        Evictions = Interlocked.Read(ref _evictions),
        Expirations = Interlocked.Read(ref _expirations),
    };

    /// <summary>Closes the store; its blobs are gone, but results handed out stay readable.</summary>
    public ValueTask DisposeAsync()
    {
        _closed = true;
        return _sweeper.DisposeAsync();
    }

    internal StorageException TooLarge(BlobKey key, long maxBytes) =>
        new(StorageErrorKind.TooLarge, $"The blob '{key}' is longer than the {maxBytes} bytes that store '{_options.Name}' takes for one blob.")
        {
            Operation = "write", Key = key, Store = _options.Name,
        };

    internal WriteResult Commit(BlobKey key, byte[] bytes, WriteOptions? options, CommitOptions? commit, long? declared)
    {
        uint checksum = Crc32C.Of(bytes);
        NewBlob.Verify(key, _options.Name, bytes.Length, checksum, declared, options, commit);
        return Commit(key, options, (current, version) =>
            new MemoryBlob(bytes, NewBlob.Describe(key, bytes.Length, checksum, options, commit, current, version, _clock.GetUtcNow()), _options.Name));
    }

    /// <summary>Makes an upload's parts the blob; the room that they take is given to it.</summary>
    internal WriteResult Commit(BlobKey key, byte[] bytes, CompleteOptions? options, MemoryUpload upload)
    {
        long claimed = upload.Size;
        bool isWritten = false;
        lock (_writes)
        {
            _bytes -= claimed;
            try
            {
                WriteOptions write = upload.Options with { Condition = options?.Condition ?? default };
                WriteResult result = Commit(key, bytes, write, new CommitOptions { ETag = options?.ETag, Checksum = options?.Checksum, Metadata = options?.Metadata }, null);
                isWritten = result.IsWritten;
                return result;
            }
            finally
            {
                if (!isWritten) _bytes += claimed;
            }
        }
    }

    /// <summary>Takes room for bytes that are not a blob yet; a negative number gives some back.</summary>
    internal void Claim(BlobKey key, long bytes)
    {
        lock (_writes)
        {
            if (_bytes + bytes > _options.MaxBytes) Sweep(int.MaxValue);
            if (bytes > 0 && _bytes + bytes > _options.MaxBytes) throw Full(key);
            _bytes += bytes;
        }
    }

    internal void Release(long bytes)
    {
        lock (_writes) _bytes -= bytes;
    }

    internal BlobVersion NextVersion() => _versions.Next();

    internal void ThrowIfClosed(string operation)
    {
        if (_closed) throw StorageException.Closed(operation, _options.Name);
    }

    private StorageException Full(BlobKey key) =>
        new(StorageErrorKind.Full, $"Store '{_options.Name}' is full: it holds {_bytes} of {_options.MaxBytes} bytes. Delete blobs or raise MaxBytes.")
        {
            Operation = "write", Key = key, Store = _options.Name,
        };

    private static BlobReadResult Apply(ReadOptions options, MemoryBlob blob)
    {
        BlobReadStatus status = options.Evaluate(blob.Info.ETag);
        if (status != BlobReadStatus.Found) return BlobReadResult.WithoutBytes(status, blob.Info, blob.Source);
        if (options.Range is not { } range) return blob;
        return range.TryResolve(blob.Length, out long offset, out long length)
            ? blob.Slice(offset, length)
            : BlobReadResult.WithoutBytes(BlobReadStatus.RangeNotSatisfiable, blob.Info, blob.Source);
    }

    private WriteResult Commit(BlobKey key, MemoryBlob source, WriteOptions options) => Commit(key, options, (current, version) =>
        source.With(NewBlob.Describe(key, source.Length, source.Info.Checksum!.Value, options, null, current, version, _clock.GetUtcNow())));

    private WriteResult Commit(BlobKey key, WriteOptions? options, Func<BlobInfo?, BlobVersion, MemoryBlob> create)
    {
        ThrowIfClosed("write");
        lock (_writes)
        {
            MemoryBlob? stored = _index.Get(key);
            BlobInfo? current = Visible(key)?.Info;
            if (options?.Condition.Holds(current, Floor(key, stored, current)) == false) return WriteResult.PreconditionFailed(current);
            BlobVersion version = options?.AsCopyOf is null ? _versions.Next(stored?.Info.Version ?? _tombstones.Get(key)) : default;
            return Store(create(current, version), stored);
        }
    }

    /// <summary>The version that an older copy must not pass: that of the last delete, or of what has expired.</summary>
    private BlobVersion Floor(BlobKey key, MemoryBlob? stored, BlobInfo? current)
    {
        BlobVersion tombstone = _tombstones.Get(key);
        return current is null && stored is not null && stored.Info.Version > tombstone ? stored.Info.Version : tombstone;
    }

    private WriteResult Store(MemoryBlob blob, MemoryBlob? replaced)
    {
        Sweep(SweepAtWrite);
        MakeRoom(blob, replaced);

        // The new entry takes its place before the old one goes: a reader never sees the key missing in between.
        _index.Set(blob.Info.Key, blob);
        if (replaced is not null) Remove(replaced);
        _arrivals.AddLast(blob.Node);
        Interlocked.Add(ref _bytes, blob.Size);
        _tombstones.Forget(blob.Info.Key);
        _expiries.Add(blob, blob.Info.Expires);
        return WriteResult.Written(blob.Info, _options.Name);
    }

    private void MakeRoom(MemoryBlob blob, MemoryBlob? replaced)
    {
        long Excess() => _bytes + blob.Size - (replaced?.Node.List is null ? 0 : replaced.Size) - _options.MaxBytes;
        if (Excess() <= 0) return;
        Sweep(int.MaxValue);
        if (!_options.Evicts && Excess() > 0) throw Full(blob.Info.Key);
        while (Excess() > 0 && _arrivals.First is { } oldest)
        {
            MemoryBlob candidate = oldest.Value;
            if (candidate.Visited)
            {
                candidate.Visited = false;
                _arrivals.RemoveFirst();
                _arrivals.AddLast(oldest);
                continue;
            }

            Remove(candidate);
            Interlocked.Increment(ref _evictions);
            if (!ReferenceEquals(candidate, replaced)) Evicted?.Invoke(candidate.Info.Key, candidate.Length);
        }
    }

    private void Remove(MemoryBlob blob)
    {
        if (blob.Node.List is null) return;
        _index.Remove(blob.Info.Key, blob);
        _arrivals.Remove(blob.Node);
        _expiries.Remove(blob, blob.Info.Expires);
        Interlocked.Add(ref _bytes, -blob.Size);
    }

    /// <summary>Not under the lock of writes: uploads take their own first.</summary>
    private void SweepAll()
    {
        Sweep(int.MaxValue);
        _uploads?.Sweep();
    }

    private void Sweep(int most)
    {
        DateTimeOffset now = _clock.GetUtcNow();
        lock (_writes)
        {
            foreach (MemoryBlob blob in _expiries.TakeDue(now, most))
            {
                if (!ReferenceEquals(_index.Get(blob.Info.Key), blob)) continue;
                Remove(blob);
                _tombstones.Set(blob.Info.Key, blob.Info.Version);
                Interlocked.Increment(ref _expirations);
            }

            _tombstones.TakeDue();
        }
    }

    private MemoryBlob? Visible(BlobKey key) => _index.TryGet(key, out MemoryBlob? blob) && blob.IsVisible(_clock) ? blob : null;

    private void Enter(BlobKey key, string operation)
    {
        StoreCapabilities.CheckKey(key);
        ThrowIfClosed(operation);
    }
}
