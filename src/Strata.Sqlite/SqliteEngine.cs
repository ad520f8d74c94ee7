using System.Runtime.InteropServices;
using SQLitePCL;

namespace Strata.Sqlite;

/// <summary>
/// The SQLite of this process: the system's where it is newer than the one that comes with the package (on Linux), else the
/// package's. It is loaded once, for all of the process that uses SQLitePCLRaw's provider <c>e_sqlite3</c>.
/// </summary>
public static class SqliteEngine
{
    private const string OfSystem = "libsqlite3.so.0";

    /// <summary>Of the package: 3.35.5.</summary>
    private const int VersionOfPackage = 3_035_005;

    private static readonly Lazy<string> Loaded = new(Load);
    private static bool _isOfSystem;

    /// <summary>Such as <c>SQLite 3.40.1 (of the system)</c>: for diagnostics.</summary>
    public static string Description => $"SQLite {Version} ({(IsOfSystem ? "of the system" : "of the package")})";

    /// <summary>Such as <c>3.40.1</c>.</summary>
    public static string Version => Loaded.Value;

    /// <summary>True if it is the system's; false if it came with the package, or another part of the program had loaded one before.</summary>
    public static bool IsOfSystem => Loaded.Value.Length > 0 && _isOfSystem;

    private static string Load()
    {
        try
        {
            // 0 for the one of the package, which is found without this.
            NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, (_, _, _) => FindNewer());
        }
        catch (InvalidOperationException)
        {
            // The program has a resolver of its own: it decides.
        }

        raw.SetProvider(new SQLite3Provider_e_sqlite3());
        return raw.sqlite3_libversion().utf8_to_string();
    }

    private static nint FindNewer()
    {
        if (!OperatingSystem.IsLinux() || !NativeLibrary.TryLoad(OfSystem, out nint library) || Ask(library, "sqlite3_libversion_number") <= VersionOfPackage || Ask(library, "sqlite3_threadsafe") == 0) return 0;
        _isOfSystem = true;
        return library;
    }

    /// <summary>0 if it cannot be asked.</summary>
    private static unsafe int Ask(nint library, string function) =>
        NativeLibrary.TryGetExport(library, function, out nint address) ? ((delegate* unmanaged<int>)address)() : 0;
}
