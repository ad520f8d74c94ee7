namespace Strata;

/// <summary>
/// What the log asks of the operating system: one folder of files. All calls block. Failures are <see cref="IOException"/>
/// with the error number as HResult, or <see cref="UnauthorizedAccessException"/>. Names are relative, with '/'.
/// </summary>
internal interface ILogDisk
{
    /// <summary>The folder, for messages.</summary>
    string Path { get; }

    /// <summary>Bytes that are free on the medium.</summary>
    long FreeBytes { get; }

    /// <summary>Names of the files in a sub-folder, without it, in no order; none if it does not exist.</summary>
    IEnumerable<string> List(string folder);

    bool Exists(string name);

    long LengthOf(string name);

    /// <summary>A new file, readable by its owner alone, its space reserved; nothing is left behind by an error.</summary>
    ILogFile Create(string name, long capacity);

    ILogFile Open(string name);

    /// <summary>Gives a file another name; what had that name is gone.</summary>
    void Rename(string from, string to);

    /// <summary>Removes a file; that there is none is no error.</summary>
    void Delete(string name);

    void CreateFolder(string name);

    /// <summary>Puts the names in a sub-folder (or in the folder itself: empty) on the medium.</summary>
    void SyncFolder(string name);
}
