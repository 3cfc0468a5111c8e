/* python3.dll has no code of its own: its exports name functions of the DLL with the version. */
int __stdcall DllMain(void *module, unsigned reason, void *reserved) {
    return 1;
}
