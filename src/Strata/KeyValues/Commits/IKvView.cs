namespace Strata;

/// <summary>The state that an atomic write is judged by.</summary>
public interface IKvView
{
    /// <summary>A key's entry as it is now.</summary>
    /// <param name="key">The key.</param>
    /// <param name="keyOnly">The value is not asked for.</param>
    /// <returns>Null: there is none that is visible.</returns>
    KvEntry? Find(ReadOnlyMemory<byte> key, bool keyOnly);
}
