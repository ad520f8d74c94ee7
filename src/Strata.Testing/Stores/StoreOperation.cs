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

    /// <summary><see cref="IMultipartUploads.CreateAsync"/>.</summary>
    CreateUpload,

    /// <summary><see cref="IMultipartUploads.FindAsync"/>.</summary>
    FindUpload,

    /// <summary><see cref="IMultipartUploads.OpenPartAsync"/>; the part's writer counts as <see cref="Append"/> and <see cref="CommitPart"/>.</summary>
    OpenPart,

    /// <summary><see cref="IBlobWriter.CommitAsync"/> of a part.</summary>
    CommitPart,

    /// <summary><see cref="IMultipartUploads.ListPartsAsync"/>.</summary>
    ListParts,

    /// <summary><see cref="IMultipartUploads.ListUploadsAsync"/>.</summary>
    ListUploads,

    /// <summary><see cref="IMultipartUploads.CompleteAsync"/>.</summary>
    CompleteUpload,

    /// <summary><see cref="IMultipartUploads.AbortAsync"/>.</summary>
    AbortUpload,
}
