using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>An upload in parts: some under way at once, each in a buffer of its own, none visible before they are joined. Disposing without it drops them, where the server does not do so by itself.</summary>
internal sealed class RemoteUpload : IAsyncDisposable
{
    /// <summary>Where a length is not known, parts grow by one part size each time that so many were sent: short blobs take little memory, long ones stay below the most parts.</summary>
    private const int PartsOfOneLength = 1_000;

    private readonly RemoteStore _store;
    private readonly RemoteTraits _traits;
    private readonly IRemoteParts _parts;
    private readonly long? _partLength;
    private readonly SemaphoreSlim _slots;
    private readonly CancellationTokenSource _abort = new();
    private readonly ConcurrentDictionary<int, string> _receipts = new();
    private readonly List<Task> _sending = [];
    private int _last;
    private bool _isJoined;
    private int _disposed;

    private RemoteUpload(RemoteStore store, BlobKey key, string writeId, IRemoteParts parts, long? length)
    {
        (_store, _traits, Key, WriteId, _parts) = (store, store.Service.Traits, key, writeId, parts);
        _partLength = length is { } known ? FixedPartLength(known) : _traits.UniformParts ? store.Options.PartSize : null;
        _slots = new SemaphoreSlim(store.Options.Parallelism);
        Buffers = new PartBuffers(store.Buffers);
    }

    public BlobKey Key { get; }

    /// <summary>The server's name of it; null if it has none.</summary>
    public string? Id => _parts.Id;

    /// <summary>Names the write, and its appendix.</summary>
    public string WriteId { get; }

    /// <summary>What to say if another write of the key made the server drop the parts; null if it has not.</summary>
    public StorageException? Overtaken => _parts.Overtaken;

    /// <summary>True if a blob that parts are copied from is no longer what was looked at.</summary>
    public bool IsSourceChanged { get; private set; }

    /// <summary>Those of its parts.</summary>
    public PartBuffers Buffers { get; }

    /// <summary>The length of the next part, in bytes.</summary>
    public long NextPartLength => _partLength ?? Math.Min(_traits.MaxPartBytes, _store.Options.PartSize * (1L + (_last / PartsOfOneLength)));

    /// <param name="store">Where.</param>
    /// <param name="unfinished">What is known of the blob: it is what others see of it if its appendix is lost.</param>
    /// <param name="isBlob">False for what the store keeps for itself.</param>
    /// <param name="length">Its length, if known.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async ValueTask<RemoteUpload> BeginAsync(RemoteStore store, BlobInfo unfinished, bool isBlob, long? length, CancellationToken cancellationToken)
    {
        string writeId = RemoteStore.NewWriteId();
        RemoteHeaders headers = RemoteHeaders.OfUnfinished(store.Service.Traits.Record, unfinished, writeId);
        IRemoteParts parts = await store.Service.BeginAsync(unfinished.Key, headers, writeId, isBlob, cancellationToken).ConfigureAwait(false);
        var upload = new RemoteUpload(store, unfinished.Key, writeId, parts, length);
        store.Track(upload);
        return upload;
    }

    /// <summary>Sends a part when there is a slot for it; the buffer is the upload's from here on, and one of its next parts' when this one is sent.</summary>
    public async ValueTask AddAsync(byte[] buffer, int count, CancellationToken cancellationToken)
    {
        int number;
        try
        {
            number = await NextAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            Buffers.Return(buffer);
            throw;
        }

        _sending.Add(SendAsync(number, buffer, count));
    }

    /// <summary>Has the server read the parts from some of another blob, if that is still the one that was looked at.</summary>
    public async ValueTask CopyAsync(RemoteSource source, long offset, long length, CancellationToken cancellationToken)
    {
        long most = Math.Min(Math.Max(NextPartLength, _traits.CopiedAtOnce), Math.Max(NextPartLength, _store.Options.MaxCopyBytes));
        for (long end = offset + length; offset < end;)
        {
            // The last two share what is left, as no part but the upload's last may be short.
            long left = end - offset, count = left <= most ? left : left >= most + _traits.MinPartBytes ? most : left / 2;
            int number = await NextAsync(cancellationToken).ConfigureAwait(false);
            _sending.Add(CopyAsync(number, source, offset, offset + count - 1));
            offset += count;
        }
    }

    /// <summary>Waits for all parts.</summary>
    public Task WhenSentAsync() => Task.WhenAll(_sending);

    /// <summary>Joins the parts into the blob. Refused if the condition does not hold, or if the parts are gone; where they are not, the upload then goes on.</summary>
    public async ValueTask<RemoteAnswer> JoinAsync(RemoteHeaders headers, RemotePrecondition condition)
    {
        KeyValuePair<int, string>[] receipts = [.. _receipts.OrderBy(p => p.Key)];
        RemoteAnswer answer = await _store.Calls.ChangeAsync(
            "write", Key, _store.Options.ServerWorkTimeout,
            attempt => _store.Service.AnsweredAsync(() => _parts.JoinAsync(receipts, headers, condition, attempt)),
            () => _store.IsOwnAsync(Key, WriteId)).ConfigureAwait(false);
        if (answer == RemoteAnswer.Missing && condition.Match is null)
            throw new StorageException(StorageErrorKind.Unavailable, $"Store '{_store.Options.Name}' has dropped the upload of '{Key}'.") { Operation = "write", Key = Key, Store = _store.Options.Name, IsTransient = true };
        _isJoined = answer == RemoteAnswer.Done;
        return _isJoined ? answer : RemoteAnswer.Refused;
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _store.Forget(this);
        await _abort.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_sending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Buffers.Dispose();
        if (!_isJoined && Id is not null) await AbortAsync().ConfigureAwait(false);
        _abort.Dispose();
    }

    private long FixedPartLength(long length)
    {
        long least = (length + _traits.MaxParts - 1) / _traits.MaxParts;
        return Math.Max(_store.Options.PartSize, (least + (1 << 20) - 1) >> 20 << 20);
    }

    /// <summary>Waits for a slot: the number of the part that has it. Fails as an earlier part did.</summary>
    private async ValueTask<int> NextAsync(CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_sending.Find(s => s.IsFaulted || s.IsCanceled) is { } failed) await failed.ConfigureAwait(false);
            if (_last == _traits.MaxParts) throw TooManyParts();
        }
        catch
        {
            _slots.Release();
            throw;
        }

        _sending.RemoveAll(s => s.IsCompletedSuccessfully);
        return ++_last;
    }

    private StorageException TooManyParts() => new(
        StorageErrorKind.TooLarge, $"The content of '{Key}' needs more than {_traits.MaxParts} {_traits.PartWord}s; tell its length, or set a larger {_traits.PartWord} size.")
    {
        Operation = "write", Key = Key, Store = _store.Options.Name,
    };

    private async Task SendAsync(int number, byte[] buffer, int count)
    {
        try
        {
            _receipts[number] = await _store.Calls.ReadAsync("write", Key, async attempt =>
            {
                using var bytes = new MemoryStream(buffer, 0, count, writable: false);
                using var content = new RemoteContentStream(bytes, attempt);
                return await _parts.SendAsync(number, content, count, attempt).ConfigureAwait(false);
            }, _abort.Token).ConfigureAwait(false);
        }
        finally
        {
            Buffers.Return(buffer);
            _slots.Release();
        }
    }

    private async Task CopyAsync(int number, RemoteSource source, long first, long last)
    {
        try
        {
            await _store.Calls.ReadAsync("copy", Key, async _ =>
            {
                // The server works without a word for as long as the copy takes.
                using var patient = new RemoteAttempt(_store.Options.ServerWorkTimeout, _abort.Token);
                RemoteAnswer answer = await _store.Service.AnsweredAsync(async () => _receipts[number] = await _parts.CopyAsync(number, source, first, last, patient).ConfigureAwait(false)).ConfigureAwait(false);
                if (answer != RemoteAnswer.Done) IsSourceChanged = true;
                return answer;
            }, _abort.Token).ConfigureAwait(false);
        }
        finally
        {
            _slots.Release();
        }
    }

    /// <summary>What cannot be aborted costs room until somebody else removes it: said, not thrown, as the write's own error says more.</summary>
    private async ValueTask AbortAsync()
    {
        try
        {
            await _store.Calls.ReadAsync("abort", Key, attempt => _store.Service.AnsweredAsync(() => _parts.AbortAsync(attempt)), CancellationToken.None).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            _store.Log.LogWarning(
                e, "An upload of '{Key}' in store '{Store}' could not be aborted; its parts take room until a sweep, or the server's own rule for incomplete uploads, removes them.", Key, _store.Options.Name);
        }
    }
}
