namespace Strata;

/// <summary>A mounted store and its facets; errors that come from it say so.</summary>
internal sealed class MountedStore(StoreMount mount, string name)
{
    public StoreMount Mount => mount;

    public string Prefix => mount.Prefix;

    public IBlobStore Store => mount.Store;

    /// <summary>The least text behind all keys of the prefix; null: there is none.</summary>
    public string? Until { get; } = ListPageBuilder.AfterAll(mount.Prefix);

    public ISharedReads? Shared { get; } = Facet<ISharedReads>(mount.Store);

    public IMultipartUploads? Uploads { get; } = Facet<IMultipartUploads>(mount.Store);

    /// <summary>Whether a text lies in the range of the prefix.</summary>
    public bool Covers(string text) => BlobKey.CompareText(text, Prefix) >= 0 && (Until is null || BlobKey.CompareText(text, Until) < 0);

    /// <summary>A facet of the store; null: it has none.</summary>
    public T? Facet<T>()
        where T : class => Facet<T>(mount.Store);

    /// <summary>Calls the store; what it throws names the mount.</summary>
    public async ValueTask<T> CallAsync<T>(Func<IBlobStore, ValueTask<T>> call)
    {
        try
        {
            return await call(mount.Store).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            throw Named(e);
        }
    }

    /// <summary>As <see cref="CallAsync{T}(Func{IBlobStore, ValueTask{T}})"/>, of what is not the store itself.</summary>
    public ValueTask<T> CallAsync<T>(Func<ValueTask<T>> call) => CallAsync(_ => call());

    /// <summary>The same error, whose message says in which mount it happened.</summary>
    public StorageException Named(StorageException e) =>
        new(e.Kind, $"In {mount} of store '{name}': {e.Message}", e) { Outcome = e.Outcome, IsTransient = e.IsTransient, Operation = e.Operation, Key = e.Key, Store = e.Store };

    private static T? Facet<T>(IBlobStore store)
        where T : class => store.TryGetFacet(out T? facet) ? facet : null;
}
