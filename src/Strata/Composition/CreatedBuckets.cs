using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>The buckets that were created at run time: how they come, go, and are there again at the next start.</summary>
/// <remarks>
/// <b>Commit point:</b> the record's replacement (<see cref="BucketFolder"/>). A bucket is served only after it is recorded.
/// It is deleted in this order: taken out of service, waited for, found empty, no longer recorded, gone from the table,
/// closed, removed; anything that fails before the record puts it back.
/// </remarks>
internal sealed class CreatedBuckets(
    BucketSettings settings, BucketFolder folder, StoreTable stores, Func<StoreSettings, CancellationToken, ValueTask<TieredBlobStore>> open, StoreContext context) : IAsyncDisposable
{
    /// <summary>How long a deletion waits for operations under way.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly ILogger _log = context.Loggers.CreateLogger<StoreCatalog>();
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Replaced, never changed: it is read by others meanwhile.</summary>
    private volatile Dictionary<string, DateTimeOffset> _created = [];
    private bool _isClosed;

    public DateTimeOffset? CreatedAt(string name) => _created.TryGetValue(name, out DateTimeOffset created) ? created : null;

    /// <summary>Opens those that are recorded.</summary>
    public async ValueTask OpenAsync(CancellationToken cancellationToken)
    {
        var recorded = new Dictionary<string, DateTimeOffset>(folder.Open(), StringComparer.Ordinal);
        if (recorded.Keys.FirstOrDefault(stores.ContainsKey) is { } twice)
            throw new StrataConfigurationException($"Strata:Stores:{twice}", "is also the name of a bucket that was created; give the store another one.");
        foreach (string name in recorded.Keys) stores.Add(name, await OpenStoreAsync(name, cancellationToken).ConfigureAwait(false));
        _created = recorded;
    }

    public async ValueTask<BucketCreation> CreateAsync(string name, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!StoreSettings.IsName(name)) return BucketCreation.InvalidName;
        await EnterAsync("create", cancellationToken).ConfigureAwait(false);
        try
        {
            if (stores.ContainsKey(name)) return BucketCreation.Exists;
            if (!settings.Create) return BucketCreation.NotAllowed;
            if (_created.Count >= settings.Max) return BucketCreation.TooMany;
            folder.Make(name);
            TieredBlobStore store = await OpenStoreAsync(name, cancellationToken).ConfigureAwait(false);
            Dictionary<string, DateTimeOffset> created = new(_created, StringComparer.Ordinal) { [name] = NewBlob.ToMilliseconds(context.Clock.GetUtcNow()) };
            try
            {
                folder.Flush(name);
                folder.Record(created);
            }
            catch
            {
                // The next creation replaces the record by one without it, and the folder with it.
                await store.DisposeAsync().ConfigureAwait(false);
                throw;
            }

            _created = created;
            stores.Add(name, store);
            return BucketCreation.Created;
        }
        finally
        {
            _turn.Release();
        }
    }

    public async ValueTask<BucketDeletion> DeleteAsync(string name, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(name);
        await EnterAsync("delete", cancellationToken).ConfigureAwait(false);
        try
        {
            if (!stores.TryGetValue(name, out IBlobStore? found)) return BucketDeletion.Missing;
            if (!settings.Create || !_created.ContainsKey(name)) return BucketDeletion.NotAllowed;
            var store = (TieredBlobStore)found;

            // A look that costs nobody anything: most that are not empty are seen to be that here.
            if (!await store.IsEmptyAsync(cancellationToken).ConfigureAwait(false)) return BucketDeletion.NotEmpty;
            return await DeleteAsync(name, store, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>No creation or deletion is under way from here on.</summary>
    public async ValueTask DisposeAsync()
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        _isClosed = true;
        _turn.Release();
    }

    private async ValueTask<BucketDeletion> DeleteAsync(string name, TieredBlobStore store, CancellationToken cancellationToken)
    {
        if (!await TryPauseAsync(name, store, cancellationToken).ConfigureAwait(false)) return BucketDeletion.Busy;
        bool goesOn = true;
        try
        {
            if (!await store.IsEmptyAsync(cancellationToken).ConfigureAwait(false)) return BucketDeletion.NotEmpty;
            Dictionary<string, DateTimeOffset> left = new(_created, StringComparer.Ordinal);
            left.Remove(name);
            try
            {
                folder.Record(left);
            }
            catch (StorageException e) when (e.Outcome == WriteOutcome.Unknown)
            {
                // Perhaps it is recorded no longer, and what was written into it would be lost: only a record that has it again puts it back.
                goesOn = TryRecord(_created);
                throw;
            }

            goesOn = false;
            _created = left;
            stores.Remove(name);
        }
        finally
        {
            if (goesOn) store.Resume();
        }

        await store.DisposeAsync().ConfigureAwait(false);
        folder.TryRemove(name);
        return BucketDeletion.Deleted;
    }

    /// <summary>Takes the bucket out of service and waits for what is under way; false if that does not come to its end.</summary>
    private async ValueTask<bool> TryPauseAsync(string name, TieredBlobStore store, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, context.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            await store.PauseAsync($"The bucket '{name}' is being deleted; try again.", either.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private bool TryRecord(Dictionary<string, DateTimeOffset> buckets)
    {
        try
        {
            folder.Record(buckets);
            return true;
        }
        catch (StorageException e)
        {
            _log.LogError(e, "The record of the buckets is in doubt; a bucket that was to be deleted is out of service until the data folder is opened anew");
            return false;
        }
    }

    private async ValueTask EnterAsync(string operation, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (!_isClosed) return;
        _turn.Release();
        throw StorageException.Closed(operation, "buckets");
    }

    private ValueTask<TieredBlobStore> OpenStoreAsync(string name, CancellationToken cancellationToken) =>
        open(settings.StoreOf(name, folder.ObjectsOf(name)), cancellationToken);
}
