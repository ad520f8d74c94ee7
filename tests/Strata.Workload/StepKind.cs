namespace Strata.Workload;

/// <summary>What a step does.</summary>
internal enum StepKind
{
    /// <summary>Writes a blob, small or large.</summary>
    Put,

    /// <summary>Writes a blob as an upload in two parts.</summary>
    Compose,

    /// <summary>Changes a blob's metadata.</summary>
    Update,

    Delete,

    /// <summary>Deletes several blobs with one commit.</summary>
    DeleteMany,
}
