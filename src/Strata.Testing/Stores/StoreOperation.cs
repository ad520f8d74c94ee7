namespace Strata.Testing;

/// <summary>The calls that a <see cref="FaultStore"/> or <see cref="LatencyStore"/> tells apart.</summary>
public enum StoreOperation
{
    /// <summary><see cref="IBlobStore.StatAsync"/>.</summary>
    Stat,

    /// <summary><see cref="IBlobStore.ReadAsync"/>.</summary>
    Read,

    /// <summary>One read of the stream of a read result.</summary>
    ReadStream,

    /// <summary><see cref="IBlobStore.WriteAsync"/>.</summary>
    Write,

    /// <summary><see cref="IBlobStore.OpenWriterAsync"/>.</summary>
    OpenWriter,

    /// <summary><see cref="IBlobWriter.WriteAsync"/>.</summary>
    Append,

    /// <summary><see cref="IBlobWriter.CommitAsync"/>.</summary>
    Commit,

    /// <summary><see cref="IBlobStore.DeleteAsync"/>.</summary>
    Delete,

    /// <summary><see cref="IBlobStore.DeleteManyAsync"/>.</summary>
    DeleteMany,

    /// <summary><see cref="IBlobStore.UpdateAsync"/>.</summary>
    Update,

    /// <summary><see cref="IBlobStore.CopyAsync"/>; its key is the target.</summary>
    Copy,

    /// <summary><see cref="IBlobStore.ListPageAsync"/>.</summary>
    List,
}
