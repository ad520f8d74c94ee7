namespace Strata;

/// <summary>
/// What the log asks of the operating system: one folder of files. Names are relative, parts of them divided by '/'. All
/// calls block, and any thread may make them.
/// </summary>
/// <remarks>
/// A failed call throws <see cref="IOException"/> with the system's error number as HResult, or
/// <see cref="UnauthorizedAccessException"/> (<see cref="DiskErrors"/>). A changed name - created, renamed, removed - is on
/// the medium only after <see cref="SyncFolder"/> of its folder; until then a loss of power may undo it, and those after it.
/// </remarks>
internal interface ILogDisk
{
    /// <summary>The folder, for messages.</summary>
    string Path { get; }

    /// <summary>Bytes that are free on the medium.</summary>
    long FreeBytes { get; }

    /// <summary>Names of the files in a sub-folder, without it, in no order, as of now; none if it does not exist.</summary>
    IEnumerable<string> List(string folder);

    /// <summary>True if there is a file of that name.</summary>
    bool Exists(string name);

    /// <summary>Length of a file, bytes.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    long LengthOf(string name);

    /// <summary>A new file, readable by its owner alone, of that length, its space reserved and read as zeros; an error leaves nothing behind.</summary>
    /// <exception cref="IOException">There is a file of that name, or no room for it (<see cref="DiskErrors.IsFull(IOException)"/>).</exception>
    ILogFile Create(string name, long capacity);

    /// <summary>Opens a file for reading and writing. Nothing keeps others from opening it too.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    ILogFile Open(string name);

    /// <summary>Gives a file another name at once; what had that name is gone. Open files stay open.</summary>
    void Rename(string from, string to);

    /// <summary>Removes a file; that there is none is no error. Who has it open reads and writes on, and its space is free when the last has closed it.</summary>
    void Delete(string name);

    /// <summary>Creates a sub-folder, and those above it; that there is one is no error. The log's own folder (empty) is on the medium then, a sub-folder after <see cref="SyncFolder"/> of the one above.</summary>
    void CreateFolder(string name);

    /// <summary>Puts the names in a sub-folder, or in the log's own folder (empty), on the medium: all that were changed before the call.</summary>
    /// <exception cref="IOException">It did not take them, or not all.</exception>
    void SyncFolder(string name);
}
